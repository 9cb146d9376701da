import { readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";

import { checkout } from "./paths";
import type { Step } from "./runner";

/** What reads the sources without running them. Each counts as one test. */
export function checks(): Step[] {
    return [
        { name: "typecheck", command: ["tsc", "--noEmit", "-p", "."], limitSeconds: 300 },
        { name: "lint", command: ["sh", "-c", "eslint . && prettier --check ."], limitSeconds: 600 },
        { name: "imports", command: ["npm", "run", "--silent", "imports"], limitSeconds: 120 },
        { name: "actionlint", command: [actionlint(), "-color"], limitSeconds: 60 },
        { name: "shellcheck", command: ["shellcheck", "-x", ...shellScripts()], limitSeconds: 120 },
    ];
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
