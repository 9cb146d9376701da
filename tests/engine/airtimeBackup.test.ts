import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { stringify } from "yaml";

import { recordStack } from "../../lab/engine/run";
import { labFolder, nameOf, removeLabFolders } from "./support";

afterAll(removeLabFolders);

/** What protects objects already there: it must not go before them. */
const guards = /^backup-(copy-)?(shows|archive)(-(closed|lock|policy|versions|lifecycle|replication))?$/;

test("a protected backup keeps all that protects it when somebody destroys the stack; an unprotected one goes", async () => {
    const folder = labFolder();
    const stackFile = join(folder, "backup.yaml");
    const stack = recordStack("lab", folder, {
        stackFile,
        program: join(__dirname, "programs", "airtimeBackup"),
    });
    const configure = (protect: boolean): void =>
        writeFileSync(stackFile, stringify({ config: { "aerial:protect": protect } }));

    configure(true);
    expect(await stack.up()).toMatchObject({ ok: true, errors: [] });
    const before = await stack.deployment();
    const guarded = (before.resources ?? []).map(nameOf).filter((name) => guards.test(name));
    expect(guarded.length).toBeGreaterThan(20);

    const refused = await stack.destroy();
    expect(refused.ok).toBe(false);
    expect(refused.errors.join("\n")).toContain("cannot be deleted");
    expect(refused.steps.map(nameOf).filter((name) => guards.test(name) || name === "backup-key")).toEqual(
        [],
    );

    configure(false);
    expect(await stack.up()).toMatchObject({ ok: true, errors: [] });
    expect(await stack.destroy()).toMatchObject({ ok: true, errors: [] });
});
