import { status as codes, Metadata, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import statuses from "@pulumi/pulumi/proto/status_pb.js";
import any from "google-protobuf/google/protobuf/any_pb.js";
import type { Difference, PropertyChange } from "./diff.ts";
import { toStruct } from "./properties.ts";
import { IncompleteError } from "./resource.ts";
import type { Failure } from "./types.ts";

/** The engine's messages made from ours. */

// `_REPLACE` says that this very change is why the resource is replaced.
const kinds = messages.PropertyDiff.Kind;
const kindNumbers = {
  update: { add: kinds.ADD, delete: kinds.DELETE, update: kinds.UPDATE },
  replace: { add: kinds.ADD_REPLACE, delete: kinds.DELETE_REPLACE, update: kinds.UPDATE_REPLACE },
};

const propertyDiff = ({ change, kind, fromInputs }: PropertyChange) =>
  new messages.PropertyDiff().setKind(kindNumbers[change][kind]).setInputdiff(fromInputs);

/** A diff with its details. `stables` stays empty: of nothing can be promised that an update leaves it alone. */
export const diffResponse = ({ changes, deleteBeforeReplace }: Difference) => {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse()
    .setChanges(changes.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setReplacesList(changes.filter(({ change }) => change === "replace").map(({ property }) => property))
    .setDiffsList(changes.map(({ property }) => property))
    .setDeletebeforereplace(deleteBeforeReplace)
    .setHasdetaileddiff(true);
  for (const change of changes) response.getDetaileddiffMap().set(change.property, propertyDiff(change));
  return response;
};

/** Failures of a check; the engine shows only the reason, so it begins with the path. */
export const checkFailures = (failures: readonly Failure[]) =>
  failures.map(({ property, reason }) =>
    new messages.CheckFailure().setProperty(property).setReason(`${property}: ${reason}`),
  );

/** A gRPC error; an incomplete resource's state travels in its details, where the engine looks for it. */
const failure = (error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new Metadata();
  if (error instanceof IncompleteError) {
    const detail = new messages.ErrorResourceInitFailed()
      .setId(error.id)
      .setProperties(toStruct(error.state))
      .setReasonsList([message]);
    const packed = new any.Any();
    packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new statuses.Status().setCode(codes.UNKNOWN).setMessage(message).setDetailsList([packed]);
    metadata.set("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  }
  return { code: codes.UNKNOWN, message, metadata };
};

/** A gRPC method from an async function of the request and of a signal that aborts when the call is cancelled. */
export const method =
  <Request, Response>(answer: (request: Request, cancelled: AbortSignal) => Promise<Response> | Response) =>
  (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    const cancelled = new AbortController();
    call.on("cancelled", () => cancelled.abort());
    Promise.resolve()
      .then(() => answer(call.request, cancelled.signal))
      .then(
        (response) => callback(null, response),
        (error: unknown) => callback(failure(error)),
      );
  };
