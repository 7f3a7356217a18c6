import { describe, expect, it } from "vitest";
import { readPage, s3Encoded } from "../../../sync-runtime/backup/s3-bucket.ts";

describe("a request to a bucket", () => {
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
