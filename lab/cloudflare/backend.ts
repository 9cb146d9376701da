import { checkDns } from "./dns/gdnsd";
import { applyDns } from "./dns/server";
import { exclusively } from "../cloud/records";
import { labMode } from "../cloud/mode";
import { readDnsData, type DnsData } from "./cloud";

/** Makes an object what it is to become, or takes it out, in a list of its kind. */
export function withChange<Entry extends { id: string }>(
    list: readonly Entry[],
    id: string,
    entry: Entry | undefined,
): Entry[] {
    return [...list.filter((other) => other.id !== id), ...(entry === undefined ? [] : [entry])];
}

/**
 * Changes the account and then what is answered: `plan` checks the change against what is there and tells what there
 * will be; `commit` records it. Returns once the names answer accordingly. In record mode nothing answers.
 */
export async function change(
    plan: (present: DnsData) => { next: DnsData; commit: () => void },
): Promise<void> {
    await exclusively(async () => {
        const { next, commit } = plan(readDnsData());
        if (labMode() === "machines") {
            // What the lab's server cannot do is refused before it is recorded: one such record would stop all others.
            checkDns(next);
        }
        commit();
    });
    if (labMode() === "machines") {
        await applyDns();
    }
}
