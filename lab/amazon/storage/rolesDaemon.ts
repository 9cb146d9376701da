import { rmSync } from "node:fs";

import { roleServer } from "./roles";

/** Serves the protocol of roles.ts at the first socket of the command line; the second is that of versitygw's IAM. */
export function main(): void {
    const [own = "", users = ""] = process.argv.slice(2);
    // A killed one leaves it, and none starts where it is.
    rmSync(own, { force: true });
    roleServer(users).listen(own);
}
