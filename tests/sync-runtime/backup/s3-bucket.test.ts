import { describe, expect, it } from "vitest";
import { readPage } from "../../../sync-runtime/backup/s3-bucket.ts";
import { s3Encoded, s3Query, signed } from "../../../sync-runtime/backup/s3-signature.ts";

describe("a request to a bucket", () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
  it.each([
    [{ lifecycle: "" }, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    [{ prefix: "J", "max-keys": "2" }, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("is signed as Amazon's own example is: %j", (query, signature) => {
    const headers = signed(
      { method: "GET", url: new URL(`https://examplebucket.s3.amazonaws.com/?${s3Query(query)}`) },
      {
        id: "AKIAIOSFODNN7EXAMPLE",
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
      },
      new Date("2013-05-24T00:00:00Z"),
    );
    expect(headers.get("authorization")).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}`,
    );
  });

  it("has every sign in its path that a server takes for something else", () => {
    expect(s3Encoded("it's a (file) & more*é.txt")).toBe("it%27s%20a%20%28file%29%20%26%20more%2A%C3%A9.txt");
  });
});

describe("a list of a bucket", () => {
  it("is read with the names that it encodes", () => {
    const page = `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
<Contents><Key>prod/acme/a+b%26c</Key><Size>12</Size></Contents><Contents><Key>prod/acme/config</Key><Size>155</Size></Contents></ListBucketResult>`;
    expect(readPage(page, false)).toEqual({
      objects: [
        { key: "prod/acme/a b&c", bytes: 12 },
        { key: "prod/acme/config", bytes: 155 },
      ],
      next: {},
    });
  });

  it("has older versions, and marks of what was deleted, one by one", () => {
    const page = `<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>acme/b</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>
<Version><Key>acme/a&#34;&amp;&#x27;b</Key><VersionId>1</VersionId><IsLatest>false</IsLatest><Size>7</Size></Version>
<DeleteMarker><Key>acme/a&#34;&amp;&#x27;b</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></DeleteMarker></ListVersionsResult>`;
    expect(readPage(page, true)).toEqual({
      objects: [
        { key: `acme/a"&'b`, version: "1", bytes: 7 },
        { key: `acme/a"&'b`, version: "2", bytes: 0 },
      ],
      next: { "key-marker": "acme/b", "version-id-marker": "2" },
    });
  });

  it("that was cut off and does not say where it goes on is not taken for all there is", () => {
    expect(() => readPage("<R><IsTruncated>true</IsTruncated></R>", false)).toThrow("cut a list off");
  });
});
