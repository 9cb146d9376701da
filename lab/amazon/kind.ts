import type { z } from "zod";

import { behaviours, type Behaviour } from "../cloud/behaviour";
import {
    anyKind,
    type Context,
    type KindDefinition,
    type Properties,
    type ResourceKind,
} from "../cloud/kind";
import { exclusively, type Records } from "../cloud/records";
import type { AsInTheSdk, InputDifferences, OutputDifferences, SdkType } from "../cloud/sdk";
import { doing } from "./errors";
import { accountFor } from "./settings";

/** What a handler may know besides its inputs. */
export interface AmazonContext extends Context {
    /** The account's number. */
    account: string;
}

type Sdk<Type extends SdkType, Schema extends z.ZodObject> = KindDefinition<
    Type,
    Schema,
    object,
    object,
    object
>;

/**
 * A kind that is one record: what it makes and changes is the record, and its outputs follow from that. Making and
 * changing are done while nobody else changes records. Region and `tagsAll` are as with every kind of Amazon's.
 */
interface AmazonDefinition<
    Type extends SdkType,
    Schema extends z.ZodObject,
    Record extends object,
    Outputs extends object,
> extends Pick<Sdk<Type, Schema>, "inputs" | "sets" | "secretOutputs"> {
    type: Type & AsInTheSdk<InputDifferences<Type, Schema> | OutputDifferences<Type, Outputs>>;
    /** As the provider names it in errors, for example `EC2 VPC`. */
    title: string;
    records: Records<Record>;
    idOf(record: Record): string;
    /** Where the record is, if not at its id. */
    key?(id: string, given: z.output<Schema>): string;
    /** Checks the inputs, as the API does, and gives the new record. */
    make(given: z.output<Schema>, context: AmazonContext): Record | Promise<Record>;
    /** The same for a change in place; without it, only tags change. */
    change?(
        record: Record,
        given: z.output<Schema>,
        context: AmazonContext & { before: z.output<Schema> },
    ): Record | Promise<Record>;
    /** Outputs besides inputs and tags. */
    outputs?(record: Record, given: z.output<Schema>, account: string): Outputs;
    /** What else is to happen, when the record is there and others may change theirs. A new one that fails is removed. */
    afterwards?(record: Record, given: z.output<Schema>, isNew: boolean): Promise<void>;
    /** Refuses to delete what is still needed. */
    checkDelete?(id: string, given: z.output<Schema>): void | Promise<void>;
    /** Removes it; the record alone when absent. */
    remove?(id: string, given: z.output<Schema>): Promise<void>;
}

/** Errors name what was to be created, where it is given a name. */
function subjectOf({ name }: Properties): string {
    return typeof name === "string" ? ` (${name})` : "";
}

export function amazonKind<
    Type extends SdkType,
    Schema extends z.ZodObject,
    Record extends object,
    Outputs extends object = globalThis.Record<never, never>,
>(definition: AmazonDefinition<Type, Schema, Record, Outputs>): ResourceKind {
    type Given = z.output<Schema>;
    const { type, inputs, title, records } = definition;
    const behaviour: Behaviour = behaviours[type];
    const hasTags = behaviour.computed.includes("tagsAll");
    const keyOf = (id: string, given: Given): string => definition.key?.(id, given) ?? id;
    const contextOf = (context: Context): AmazonContext => ({ ...context, account: accountFor(context) });

    function outputsOf(record: Record, given: Given, context: Context): Properties {
        const tagsAll: unknown = "tags" in given ? given.tags : undefined;
        return {
            ...definition.outputs?.(record, given, accountFor(context)),
            ...(hasTags && { tagsAll: tagsAll ?? {} }),
        };
    }

    async function remove(id: string, given: Given): Promise<void> {
        if (definition.remove) {
            await definition.remove(id, given);
        } else {
            await exclusively(async () => records.remove(keyOf(id, given)));
        }
    }

    return anyKind<Type, Schema, object, object, object>({
        type,
        inputs,
        sets: definition.sets,
        secretOutputs: definition.secretOutputs,
        fromProvider: "region" in inputs.shape ? (["region"] as (keyof Given & string)[]) : [],

        create: (given, context) =>
            doing(`creating ${title}${subjectOf(given)}`, async () => {
                const record = await exclusively(async () => {
                    const made = await definition.make(given, contextOf(context));
                    records.put(keyOf(definition.idOf(made), given), made);
                    return made;
                });
                const id = definition.idOf(record);
                try {
                    await definition.afterwards?.(record, given, true);
                } catch (error) {
                    await remove(id, given);
                    throw error;
                }
                const present = records.get(keyOf(id, given)) ?? record;
                return { id, outputs: outputsOf(present, given, context) };
            }),

        read: async ({ id, inputs: given, outputs }, context) => {
            const record = records.get(keyOf(id, given));
            return record && { ...outputs, ...outputsOf(record, given, context) };
        },

        update: ({ id, inputs: before }, given, context) =>
            doing(`updating ${title} (${id})`, async () => {
                const changed = await exclusively(async () => {
                    const record = records.get(keyOf(id, given));
                    if (!record) {
                        throw new Error(`reading ${title} (${id}): couldn't find resource`);
                    }
                    const next = await definition.change?.(record, given, { ...contextOf(context), before });
                    records.put(keyOf(id, given), next ?? record);
                    return next ?? record;
                });
                await definition.afterwards?.(changed, given, false);
                return outputsOf(changed, given, context);
            }),

        delete: ({ id, inputs: given }) =>
            doing(`deleting ${title} (${id})`, async () => {
                await definition.checkDelete?.(id, given);
                await remove(id, given);
            }),
    });
}
