import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { backupFiles, type BackupRolePlan } from "../../components/airtimeBackup/render";

const templates = join(__dirname, "..", "..", "config-templates/backup");

const plan = (changes: Partial<BackupRolePlan> = {}): BackupRolePlan => ({
    region: "eu-central-1",
    showsBucket: "radio-example-prod-shows",
    archiveBucket: "radio-example-prod-archive",
    libraries: [{ channel: "main", path: "/srv/library/main" }],
    recipient: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvbw== station\n",
    database: { name: "airtime", command: ["runuser", "-u", "postgres", "--"] },
    configuration: ["/etc/aerial"],
    ...changes,
});

describe("what an Airtime machine gets for its backup", () => {
    it("is every module, program and unit there is, and nothing that is not", () => {
        const { files, units } = backupFiles(plan());
        const contents = new Set(files.map(({ content }) => content));
        const sources = readdirSync(templates, { recursive: true, withFileTypes: true }).filter((entry) =>
            entry.isFile(),
        );
        for (const { parentPath, name } of sources) {
            expect([name, contents.has(readFileSync(join(parentPath, name), "utf8"))]).toEqual([name, true]);
        }
        const paths = files.map(({ path }) => path);
        for (const unit of units) {
            expect(paths).toContain(`/etc/systemd/system/${unit}`);
            expect(existsSync(join(templates, "timers", unit))).toBe(true);
        }
    });

    it("has its settings in the clear, and secrets as placeholders only", () => {
        const { files } = backupFiles(plan({ restoreOwner: "airtime:airtime" }));
        const settings = files.find(({ path }) => path === "/etc/aerial/backup.json");
        expect(JSON.parse(settings?.content ?? "")).toEqual({
            ...plan(),
            recipient: plan().recipient.trim(),
            state: "/var/lib/aerial/backup",
            restoreOwner: "airtime:airtime",
        });
        const withSecrets = files.filter(({ secretFormat }) => secretFormat !== undefined);
        expect(withSecrets.map(({ path, mode, owner }) => [path, mode, owner])).toEqual([
            ["/etc/aerial/backup/credentials", "0600", "root:root"],
            ["/etc/aerial/backup/key", "0600", "root:root"],
        ]);
        expect(withSecrets[0]?.content).toContain("aws_secret_access_key = @{backup.writer.secret}");
    });

    it("dumps nothing where there is no database", () => {
        const { files, units } = backupFiles(plan({ database: undefined }));
        expect(units).not.toContain("aerial-backup-dump.timer");
        expect(files.find(({ path }) => path === "/etc/aerial/backup.json")?.content).toContain(
            '"database": null',
        );
    });

    it.each([
        [{ recipient: "age1plugin" }, "is not a recipient"],
        [{ libraries: [] }, "needs at least one library"],
        [{ libraries: [{ channel: "main", path: "library" }] }, "must be an absolute path"],
        [{ libraries: [{ channel: "a/b", path: "/srv/a" }] }, "cannot be a folder's name"],
        [{ configuration: ["/etc/../root"] }, "must be an absolute path"],
        [{ showsBucket: "@{relay.link}" }, "placeholder"],
        [
            {
                libraries: [
                    { channel: "main", path: "/a" },
                    { channel: "main", path: "/b" },
                ],
            },
            "has two libraries",
        ],
    ])("refuses %j", (changes, reason) => {
        expect(() => backupFiles(plan(changes))).toThrow(reason);
    });
});
