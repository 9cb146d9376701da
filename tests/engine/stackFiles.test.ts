import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { enginePath } from "../../lab/engine/command";
import { run } from "../../lab/workstation/run";
import { checkout } from "../../lab/paths";
import { labFolder, removeLabFolders } from "./support";

afterAll(removeLabFolders);

/* Stack files are written by people and by Pulumi: what one writes, the other must leave as it is. */

describe.each(["prod", "preprod", "lab"])("the stack file of %s", (stack) => {
    const name = `Pulumi.${stack}.yaml`;
    const lines = (file: string): string[] => readFileSync(file, "utf8").split("\n");

    test("passes the lint after `pulumi stack init` and `pulumi config set`, which change only their own lines", async () => {
        const folder = labFolder();
        mkdirSync(join(folder, "state"));
        copyFileSync(join(checkout, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
        copyFileSync(join(checkout, name), join(folder, name));
        const engine = await enginePath();
        const env = {
            ...process.env,
            PULUMI_BACKEND_URL: `file://${join(folder, "state")}`,
            PULUMI_HOME: join(folder, "pulumi"),
            PULUMI_CONFIG_PASSPHRASE: "for this test",
            PULUMI_SKIP_UPDATE_CHECK: "true",
        };
        const pulumi = (...argv: string[]) =>
            run([engine, ...argv, "--non-interactive"], { cwd: folder, env });
        await pulumi("stack", "init", stack);
        await pulumi("config", "set", "--stack", stack, "aws:skipMetadataApiCheck", "true");
        await pulumi("config", "set", "--stack", stack, "--secret", "aerial:token", "hunter2");

        const before = lines(join(checkout, name));
        const after = lines(join(folder, name));
        expect(before.filter((line) => !after.includes(line))).toEqual([]);
        const added = after.filter((line) => !before.includes(line));
        expect(added.map((line) => line.trim().split(" ")[0]).sort()).toEqual([
            "aerial:token:",
            "aws:skipMetadataApiCheck:",
            "encryptionsalt:",
            "secure:",
        ]);
        const prettier = join(checkout, "node_modules/.bin/prettier");
        const text = readFileSync(join(folder, name), "utf8");
        const { stdout } = await run([prettier, "--stdin-filepath", name], { cwd: checkout, stdin: text });
        expect(stdout).toBe(text);
    });
});
