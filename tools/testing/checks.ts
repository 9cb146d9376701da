import { createHash } from "node:crypto";
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
        { name: "zizmor", command: ["tools/python/check", "zizmor"], limitSeconds: 60 },
        {
            name: "renovate",
            command: [renovateValidator(), "--strict"],
            // It warns of a package that it can do without, which would have to run a script when it is installed.
            env: { LOG_LEVEL: "error" },
            limitSeconds: 60,
        },
        { name: "policy", command: ["npm", "run", "--silent", "policy"], limitSeconds: 120 },
        { name: "shellcheck", command: ["shellcheck", "-x", ...shellScripts()], limitSeconds: 120 },
        { name: "ruff", command: ["tools/python/check", "ruff"], limitSeconds: 60 },
        { name: "mypy", command: ["tools/python/check", "mypy"], limitSeconds: 300 },
        pytest(),
        { name: "go", command: ["sh", "-c", goChecks], limitSeconds: 120 },
    ];
}

/** The load client of the bench. Go is where tools/setup looks for it. */
const goChecks =
    "cd tools/load && PATH=$PATH:/usr/local/go/bin:/usr/lib/go/bin && " +
    'test -z "$(gofmt -l . | tee /dev/stderr)" && go vet . && go test .';

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

/** Where `tools/setup lint` leaves programs. */
const cache =
    process.env.AERIAL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "aerial");

function renovateValidator(): string {
    const lock = readFileSync(join(checkout, "tools/renovate/package-lock.json"));
    const sum = createHash("sha256").update(lock).digest("hex").slice(0, 12);
    return join(cache, `renovate-${sum}`, "node_modules/.bin/renovate-config-validator");
}

function actionlint(): string {
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
