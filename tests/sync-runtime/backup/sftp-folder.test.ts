import { describe, expect, it } from "vitest";
import { readLists } from "../../../sync-runtime/backup/sftp-folder.ts";

describe("what sftp lists", () => {
  it("is told folder by folder, whatever its names are", () => {
    const said = `sftp> ls -lan "/srv/acme"
drwx------    ? 0        0            4096 Nov 22 17:00 /srv/acme/.
drwx------    ? 0        0            4096 Nov 22 17:00 /srv/acme/..
-r--------    1 0        0             155 Nov 22 17:00 /srv/acme/config
drwx------    ? 0        0            4096 Nov 22  2025 /srv/acme/data
sftp> ls -lan "/srv/acme/data"
lrwxrwxrwx    ? 0        0              12 Nov 22 17:00 /srv/acme/data/it's a "link"
`;
    expect(readLists(said, ["/srv/acme", "/srv/acme/data"])).toEqual([
      [
        { path: "/srv/acme/config", folder: false, bytes: 155 },
        { path: "/srv/acme/data", folder: true, bytes: 0 },
      ],
      [{ path: `/srv/acme/data/it's a "link"`, folder: false, bytes: 0 }],
    ]);
  });

  it("is not believed where a folder is missing in it", () => {
    expect(() => readLists('sftp> ls -lan "/a"\n', ["/a", "/b"])).toThrow("1 folders of 2");
  });
});
