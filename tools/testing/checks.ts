import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";

import { checkout, resultsFolder } from "./paths";
import type { Counts, Step } from "./runner";

/** What reads the sources without running them, each one test; and the tests of Python's functions, counted one by one. */
export function checks(): Step[] {
    return [
        { name: "types", command: ["npm", "run", "--silent", "types"], limitSeconds: 300 },
        { name: "lint", command: ["sh", "-c", "eslint . && prettier --check ."], limitSeconds: 600 },
        { name: "imports", command: ["npm", "run", "--silent", "imports"], limitSeconds: 120 },
        { name: "actionlint", command: [actionlint(), "-color"], limitSeconds: 60 },
        { name: "shellcheck", command: ["shellcheck", "-x", ...shellScripts()], limitSeconds: 120 },
        { name: "ruff", command: ["tools/python/check", "ruff"], limitSeconds: 60 },
        { name: "mypy", command: ["tools/python/check", "mypy"], limitSeconds: 300 },
        pytest(),
    ];
}

function pytest(): Step {
    const results = join(resultsFolder, "pytest.xml");
    rmSync(results, { force: true });
    return {
        name: "pytest",
        command: ["tools/python/check", "pytest", "--quiet", `--junit-xml=${results}`],
        limitSeconds: 300,
        count: (exitCode) => countCases(existsSync(results) ? readFileSync(results, "utf8") : "", exitCode),
    };
}

/** Counts the cases in pytest's JUnit file. A case that was skipped counts for nothing. */
export function countCases(report: string, exitCode: number): Counts {
    const suite = /<testsuite [^>]*>/.exec(report)?.[0] ?? "";
    const number = (name: string): number => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = number("failures") + number("errors");
    const passed = Math.max(0, number("tests") - failed - number("skipped"));
    // pytest may fail without a failed case: a file that cannot be read, no test at all, an option that is none.
    return { passed, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}

/** Where `tools/setup lint` leaves it. */
function actionlint(): string {
    const cache =
        process.env.AERIAL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "aerial");
    const pinned = /actionlint (v[\d.]+)/.exec(
        readFileSync(join(checkout, "tools/actionlint/go.mod"), "utf8"),
    );
    return join(cache, `actionlint-${pinned?.[1] ?? ""}`, "bin/actionlint");
}

/** Folders that hold none of our sources. */
const foreign = new Set(["node_modules", ".git", ".lab", ".test"]);

/**
 * Every shell script of the project, known by its first line or its name. Templates are not among them: what they
 * become is checked by the tests of templates.
 */
function shellScripts(folder = checkout): string[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) {
            return foreign.has(entry.name) ? [] : shellScripts(path);
        }
        if (!entry.isFile() || entry.name.endsWith(".eta")) {
            return [];
        }
        const isShell =
            entry.name.endsWith(".sh") ||
            /^#!.*\b(sh|bash|dash)\b/.test(readFileSync(path, "latin1").slice(0, 80));
        return isShell ? [relative(checkout, path)] : [];
    });
}
