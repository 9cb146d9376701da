import { labMode } from "../cloud/mode";
import { exclusively } from "../cloud/records";
import { checkDns } from "./dns/gdnsd";
import { applyDns } from "./dns/server";
import { readDnsData, tables, type DnsData, type Lists } from "./records";

/**
 * Changes one object of the account, and then what is answered. Returns once the names answer accordingly. In record mode
 * nothing answers.
 *
 * @param next checks the change against what is there, and gives the object as it is to be; undefined takes it out.
 */
export async function change<List extends keyof Lists>(
    list: List,
    id: string,
    next: (present: DnsData) => Lists[List] | undefined,
): Promise<void> {
    await exclusively(async () => {
        const present = readDnsData();
        const object = next(present);
        if (labMode() === "machines") {
            const others = present[list].filter((other) => other.id !== id);
            // What the lab's server cannot do is refused before it is recorded: one such record would stop all others.
            checkDns({ ...present, [list]: object === undefined ? others : [...others, object] });
        }
        if (object === undefined) {
            tables[list].remove(id);
        } else {
            tables[list].put(id, object);
        }
    });
    if (labMode() === "machines") {
        await applyDns();
    }
}
