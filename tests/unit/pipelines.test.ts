import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/* The steps of the workflows that are ours, by the npm scripts that the workflows call, with a `gh` that we answer for. */

const folder = mkdtempSync(join(tmpdir(), "aerial-pipelines-"));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Runs a script of package.json. `answers` are what `gh` prints, by the beginning of its arguments, after `--jq`; what has
 * none fails, as GitHub does.
 */
function run(
    argv: string[],
    answers: Record<string, string>,
): { status: number | null; stdout: string; stderr: string; calls: string[] } {
    const log = join(folder, "calls");
    writeFileSync(log, "");
    const cases = Object.entries(answers).map(([start, answer]) => `"${start}"*) printf '%s' '${answer}' ;;`);
    const gh = `#!/bin/sh\nprintf '%s\\n' "$*" >>${log}\ncase "$*" in\n${cases.join("\n")}\n*) exit 1 ;;\nesac\n`;
    writeFileSync(join(folder, "gh"), gh);
    chmodSync(join(folder, "gh"), 0o755);
    const { status, stdout, stderr } = spawnSync("npm", ["run", "--silent", ...argv], {
        cwd: join(__dirname, "../.."),
        encoding: "utf8",
        env: {
            ...process.env,
            PATH: [folder, process.env.PATH].join(delimiter),
            GITHUB_REPOSITORY: "radio/aerial",
            GITHUB_SERVER_URL: "https://github.example",
            GITHUB_RUN_ID: "77",
        },
    });
    const calls = readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line !== "");
    return { status, stdout, stderr, calls };
}

describe("the commit for production", () => {
    const list = "api repos/radio/aerial/deployments?environment=prod-approval";
    const statuses = (id: number): string => `api repos/radio/aerial/deployments/${id}/statuses`;

    it("is the newest that was approved, not one that waits or was refused", () => {
        const { status, stdout } = run(["approved-commit"], {
            [list]: "4 dddd\n3 cccc\n2 bbbb\n1 aaaa\n",
            [statuses(4)]: "waiting\n",
            [statuses(3)]: "failure\n",
            [statuses(2)]: "success\n",
            [statuses(1)]: "success\n",
        });
        expect({ status, stdout }).toEqual({ status: 0, stdout: "commit=bbbb\n" });
    });

    it("is none where nobody has approved any, so that nothing is deployed", () => {
        const { status, stdout, stderr } = run(["approved-commit"], {
            [list]: "1 aaaa\n",
            [statuses(1)]: "waiting\n",
        });
        expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
        expect(stderr).toContain("No commit has been approved");
        expect(run(["approved-commit"], { [list]: "" })).toMatchObject({ status: 0, stdout: "" });
    });

    it("is an error where GitHub cannot be asked", () => {
        expect(run(["approved-commit"], {})).toMatchObject({ stdout: "" });
        expect(run(["approved-commit"], {}).status).not.toBe(0);
        expect(run(["approved-commit"], { [list]: "1 aaaa\n" }).status).not.toBe(0);
    });
});

describe("the report of a drift", () => {
    const drift = (outcome: string, open: string) =>
        run(["report-drift", "--", "prod", outcome], {
            "issue list": open,
            "issue create": "",
            "issue comment": "",
            "issue close": "",
        });

    it("opens an issue that leads to the run, and says nothing of what differs", () => {
        const { status, calls } = drift("failure", "");
        expect(status).toBe(0);
        expect(calls.slice(1).join("\n")).toMatch(
            /^issue create --repo radio\/aerial --title Drift of prod --body .*\/runs\/77/,
        );
    });

    it("comments on the issue that is open, instead of a second one", () => {
        expect(drift("failure", "12").calls[1]).toMatch(
            /^issue comment 12 --repo radio\/aerial --body .*\/runs\/77/,
        );
        expect(drift("failure", "12").calls).toHaveLength(2);
    });

    it("closes the issue when nothing differs any more", () => {
        expect(drift("success", "12").calls[1]).toMatch(/^issue close 12 /);
    });

    it("does nothing while nothing differs", () => {
        expect(drift("success", "").calls).toHaveLength(1);
    });

    it("counts what was cancelled as a failure, for nobody has looked", () => {
        expect(drift("cancelled", "").calls[1]).toMatch(/^issue create/);
    });
});
