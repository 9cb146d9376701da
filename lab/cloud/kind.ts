import type { z } from "zod";

import { behaviours, type Behaviour } from "./behaviour";
import type { Properties } from "./protocol/values";
import type { AsInTheSdk, InputDifferences, OutputDifferences, SdkType, State } from "./sdk";

export type { Properties } from "./protocol/values";

/** What a handler may do besides its work. */
export interface Context {
    /** The resource's URN in the stack. */
    urn: string;
    /** The resource's logical name in the program. */
    name: string;
    /** The provider's own settings, `region` and the like; none where a test calls a handler by itself. */
    settings?: Properties;
    /** Shows a line under the resource in the progress of `up`. */
    log: (message: string, severity?: "info" | "warning") => void;
}

/** A resource as the engine's state knows it. */
export interface Existing<Inputs> {
    id: string;
    inputs: Inputs;
    /** Last outputs, by name. */
    outputs: Properties;
}

export interface Made<Outputs extends object = Properties> {
    id: string;
    /** Outputs beyond the inputs, and inputs that the provider reports differently. */
    outputs: Outputs;
}

/**
 * One kind of resource: what it accepts, and what is really done. What a change of it means is in `behaviour.ts`; secrets,
 * previews, unknown properties and differences follow from both in `protocol/`.
 */
export interface KindDefinition<
    Type extends SdkType,
    Schema extends z.ZodObject,
    Created extends object,
    Read extends object,
    Updated extends object,
> {
    /** For example `digitalocean:index/droplet:Droplet`. */
    type: Type;
    /** Inputs. Strict: a property that it does not know is an error. */
    inputs: Schema;
    /** Inputs whose order means nothing. */
    sets?: readonly (keyof z.output<Schema> & string)[];
    /** Outputs that are secret whatever the inputs are. */
    secretOutputs?: readonly (keyof State<Type> & string)[];
    /** Inputs that the provider's own settings give where the program gives none, such as Amazon's `region`. */
    fromProvider?: readonly (keyof z.output<Schema> & string)[];
    /** Whether time alone has made it due for replacement: a certificate that is to be renewed. */
    isDue?(outputs: Properties): boolean;
    create(inputs: z.output<Schema>, context: Context): Promise<Made<Created>>;
    /** Reads the present outputs; undefined when the resource is gone. Without it, the state counts. */
    read?(existing: Existing<z.output<Schema>>, context: Context): Promise<Read | undefined>;
    /**
     * Inputs that the cloud answers in a form of its own: a refresh puts them into the state, and a program that does
     * not give the same form changes them back at the next `up`.
     */
    readInputs?(existing: Existing<z.output<Schema>>): Partial<z.output<Schema>>;
    /** Changes it in place and returns the changed outputs. */
    update?(
        existing: Existing<z.output<Schema>>,
        inputs: z.output<Schema>,
        context: Context,
    ): Promise<Updated>;
    /** Removes it; succeeds when it is gone already. */
    delete?(existing: Existing<z.output<Schema>>, context: Context): Promise<void>;
}

/** A kind with its types taken off, as the protocol's service keeps it in a table. */
export interface ResourceKind {
    type: string;
    inputs: z.ZodObject;
    behaviour: Behaviour;
    sets: readonly string[];
    secretOutputs: readonly string[];
    fromProvider: readonly string[];
    isDue(outputs: Properties): boolean;
    create(inputs: Properties, context: Context): Promise<Made>;
    read(existing: Existing<Properties>, context: Context): Promise<Properties | undefined>;
    readInputs(existing: Existing<Properties>): Properties;
    update(existing: Existing<Properties>, inputs: Properties, context: Context): Promise<Properties>;
    delete(existing: Existing<Properties>, context: Context): Promise<void>;
}

/** Describes a kind, whose inputs and outputs have to be those of the SDK; see KindDefinition. */
export function resourceKind<
    Type extends SdkType,
    Schema extends z.ZodObject,
    Created extends object,
    Read extends object,
    Updated extends object,
>(
    definition: KindDefinition<Type, Schema, Created, Read, Updated> & {
        type: AsInTheSdk<
            | InputDifferences<Type, Schema>
            | OutputDifferences<Type, Created | Updated>
            // A kind without `read`, or one that finds all as it was, gives back the outputs of the state.
            | (string extends keyof Read ? never : OutputDifferences<Type, Read>)
        >;
    },
): ResourceKind {
    return anyKind(definition);
}

/** The same without a look at the SDK's types, for functions that make kinds: they ask that of their arguments. */
export function anyKind<
    Type extends SdkType,
    Schema extends z.ZodObject,
    Created extends object,
    Read extends object,
    Updated extends object,
>(definition: KindDefinition<Type, Schema, Created, Read, Updated>): ResourceKind {
    const behaviour: Behaviour = behaviours[definition.type];
    const typed = (existing: Existing<Properties>): Existing<z.output<Schema>> => ({
        ...existing,
        inputs: definition.inputs.parse(existing.inputs),
    });
    return {
        type: definition.type,
        inputs: definition.inputs,
        behaviour,
        sets: definition.sets ?? [],
        secretOutputs: definition.secretOutputs ?? [],
        fromProvider: definition.fromProvider ?? [],
        isDue: (outputs) => definition.isDue?.(outputs) ?? false,
        async create(inputs, context) {
            const parsed = definition.inputs.parse(inputs);
            const { id, outputs } = await definition.create(parsed, context);
            return { id, outputs: { ...parsed, ...outputs } };
        },
        async read(existing, context) {
            const present = definition.read
                ? await definition.read(typed(existing), context)
                : existing.outputs;
            return present && Object.fromEntries(Object.entries(present));
        },
        readInputs: (existing) => definition.readInputs?.(typed(existing)) ?? {},
        async update(existing, inputs, context) {
            const parsed = definition.inputs.parse(inputs);
            const changed = (await definition.update?.(typed(existing), parsed, context)) ?? {};
            const computed = Object.fromEntries(
                behaviour.computed.map((name) => [name, existing.outputs[name]]),
            );
            return { ...computed, ...parsed, ...changed };
        },
        async delete(existing, context) {
            await definition.delete?.(typed(existing), context);
        },
    };
}

/** One function of a provider, such as a look-up: what it is asked with, and its answer. Previews ask it, too. */
export interface ProviderFunction {
    /** For example `aws:ssm/getParameter:getParameter`. */
    token: string;
    /** As a kind's. */
    fromProvider: readonly string[];
    answer(inputs: Properties): Promise<Properties>;
}

/** Describes a function. Its inputs are checked as a kind's are: a property that it does not know is an error. */
export function providerFunction<Schema extends z.ZodObject>(definition: {
    token: string;
    inputs: Schema;
    fromProvider?: readonly (keyof z.output<Schema> & string)[];
    answer(inputs: z.output<Schema>): Promise<Properties>;
}): ProviderFunction {
    return {
        token: definition.token,
        fromProvider: definition.fromProvider ?? [],
        answer: async (inputs) => definition.answer(definition.inputs.parse(inputs)),
    };
}

/** A provider: a name, a table of kinds, and its functions. */
export interface ProviderPackage {
    /** As in the plugin's file name, `pulumi-resource-<name>`. */
    name: string;
    kinds: readonly ResourceKind[];
    functions?: readonly ProviderFunction[];
}
