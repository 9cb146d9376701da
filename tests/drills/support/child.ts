import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";

import { inNamespace } from "../../../lab/network/network";
import { labCgroup } from "../../../lab/paths";
import { inCgroup } from "../../../lab/workstation/cgroups";

/** Starts a module of this folder in a process at a place of the lab; they send messages to each other. */
export function forkAt(place: string, module: string): ChildProcess {
    const [program = "", ...args] = inCgroup(
        labCgroup("listeners"),
        inNamespace(place, [
            ...[process.execPath, "--require", require.resolve("tsx/cjs")],
            join(__dirname, module),
        ]),
    );
    return fork(args[0] ?? "", args.slice(1), {
        execPath: program,
        execArgv: [],
        stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
}
