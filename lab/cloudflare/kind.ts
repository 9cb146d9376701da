import type { z } from "zod";

import { anyKind, type KindDefinition, type ResourceKind } from "../cloud/kind";
import type { AsInTheSdk, InputDifferences, OutputDifferences, SdkType } from "../cloud/sdk";
import { notFound, stillReferenced } from "./api";
import { change } from "./backend";
import { newId, tables, type DnsData, type Lists } from "./records";

/** What a change is checked against: the inputs, what is to be recorded, and what there is. */
export interface Change<Given, Entry> {
    given: Given;
    record: Entry;
    present: DnsData;
    /** For example `POST /zones/…/dns_records`. */
    request: string;
}

/** What every object has that the API gives out. */
type Origin = Pick<Lists[keyof Lists], "id" | "urn" | "createdOn">;

interface Dates {
    createdOn: string;
    modifiedOn: string;
}

type Sdk<Type extends SdkType, Schema extends z.ZodObject> = KindDefinition<
    Type,
    Schema,
    object,
    object,
    object
>;

interface ObjectDefinition<
    Type extends SdkType,
    Schema extends z.ZodObject,
    List extends keyof Lists,
    More extends object,
> extends Pick<Sdk<Type, Schema>, "inputs" | "sets" | "readInputs"> {
    type: Type & AsInTheSdk<InputDifferences<Type, Schema> | OutputDifferences<Type, Dates & More>>;
    list: List;
    recordOf: (given: z.output<Schema>, origin: Origin) => Lists[List];
    /** @throws what the API refuses. */
    check: (change: Change<z.output<Schema>, Lists[List]>) => void;
    /** Outputs beyond inputs and dates. */
    outputs?: (record: Lists[List]) => More;
}

/** A kind whose resources are objects of one list of the account. */
export function objectKind<
    Type extends SdkType,
    Schema extends z.ZodObject,
    List extends keyof Lists,
    More extends object = Record<never, never>,
>(definition: ObjectDefinition<Type, Schema, List, More>): ResourceKind {
    const { list, recordOf, check, outputs } = definition;
    const records = tables[list];
    return anyKind<Type, Schema, object, object, object>({
        type: definition.type,
        inputs: definition.inputs,
        sets: definition.sets,
        readInputs: definition.readInputs,

        async create(given, { urn }) {
            const now = new Date().toISOString();
            const record = recordOf(given, { urn, id: newId(), createdOn: now });
            await change(list, record.id, (present) => {
                check({ given, record, present, request: `POST ${pathOf(list, record)}` });
                return record;
            });
            return { id: record.id, outputs: { createdOn: now, modifiedOn: now, ...outputs?.(record) } };
        },

        read: async ({ id, outputs: last }) => (records.get(id) ? last : undefined),

        async update({ id }, given, { urn }) {
            const old = records.get(id);
            const record = recordOf(given, old ?? { urn, id, createdOn: "" });
            const request = `PUT ${pathOf(list, record)}/${id}`;
            await change(list, id, (present) => {
                if (!old) {
                    throw notFound(request, id);
                }
                check({ given, record, present, request });
                return record;
            });
            return { modifiedOn: new Date().toISOString(), ...outputs?.(record) };
        },

        delete: ({ id }) => removeObject(list, id),
    });
}

/** Takes an object out of the account; succeeds when it is gone already. @throws while another one needs it. */
export async function removeObject<List extends keyof Lists>(list: List, id: string): Promise<void> {
    const record = tables[list].get(id);
    if (!record) {
        return;
    }
    await change(list, id, ({ pools, balancers }) => {
        const isUsed =
            pools.some(({ monitor }) => monitor === id) ||
            balancers.some(({ defaultPools, regionPools, fallbackPool }) =>
                [...defaultPools, ...Object.values(regionPools).flat(), fallbackPool].includes(id),
            );
        if (isUsed) {
            throw stillReferenced(`DELETE ${pathOf(list, record)}/${id}`);
        }
        return undefined;
    });
}

/** Where the API has a list. */
function pathOf(list: keyof Lists, owner: { accountId?: string; zoneId?: string }): string {
    const [account, zone] = [`/accounts/${owner.accountId}`, `/zones/${owner.zoneId}`];
    const paths = {
        monitors: `${account}/load_balancers/monitors`,
        pools: `${account}/load_balancers/pools`,
        balancers: `${zone}/load_balancers`,
        names: `${zone}/dns_records`,
    };
    return paths[list];
}
