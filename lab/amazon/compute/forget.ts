import { destroyMachine } from "../../machines/machines";
import { labMode } from "../../cloud/mode";
import { exclusively } from "../../cloud/records";
import { activities, groups, instances, policies, refreshes, targets } from "./groups";

/** Takes an instance away with its machine and its registrations. */
export async function forgetInstance(id: string): Promise<void> {
    if (labMode() === "machines") {
        await destroyMachine(id);
    }
    await exclusively(async () => {
        for (const key of targets.ids().filter((one) => one.endsWith(` ${id}`))) {
            targets.remove(key);
        }
        instances.remove(id);
    });
}

/** Takes a group away with all it has, at once. The daemon leaves a group alone that has no record. */
export async function forgetGroup(name: string): Promise<void> {
    await exclusively(async () => {
        groups.remove(name);
        for (const policy of policies.all().filter(({ group }) => group === name)) {
            policies.remove(policy.arn);
        }
        for (const records of [activities, refreshes]) {
            for (const { id } of records.all().filter(({ group }) => group === name)) {
                records.remove(id);
            }
        }
    });
    for (const { id } of instances.all().filter(({ group }) => group === name)) {
        await forgetInstance(id);
    }
}
