import { parse } from "yaml";

import type { DumpedResource } from "./golden";

/** A policy document, as text, under the name of the resource that has it. */
export type Policies = Record<string, string>;

/**
 * The policies of a dump that say what may be done with what. Whom a role trusts (`assumeRolePolicy`) names no
 * resource, and parliament takes it for a broken policy.
 */
export function policiesOf(dump: readonly DumpedResource[]): Policies {
    return Object.fromEntries(
        dump
            .filter(({ type, inputs }) => type.startsWith("aws:") && inputs.policy !== undefined)
            .map(({ name, inputs: { policy } }) => [
                name,
                typeof policy === "string" ? policy : JSON.stringify(policy),
            ]),
    );
}

/** The parts of a CloudFormation template that we look at. */
export interface Template {
    Resources: Record<
        string,
        {
            Type: string;
            Properties: {
                PolicyDocument?: unknown;
                AssumeRolePolicyDocument?: unknown;
                Policies?: { PolicyName: string; PolicyDocument: unknown }[];
            };
        }
    >;
}

/** A template with values for what CloudFormation would fill in: `{ Ref: X }` and `${X}` in `Fn::Sub`. */
export function filledIn(text: string, values: Readonly<Record<string, string>>): Template {
    const valueOf = (name: string): string => values[name] ?? name;
    return JSON.parse(JSON.stringify(parse(text)), (_, value: unknown) => {
        if (typeof value === "object" && value !== null && "Fn::Sub" in value) {
            return String(value["Fn::Sub"]).replace(/\$\{([\w:]+)\}/g, (__, name: string) => valueOf(name));
        }
        return typeof value === "object" && value !== null && "Ref" in value
            ? valueOf(String(value.Ref))
            : value;
    }) as Template;
}

/** The policies in a template, without whom roles trust. */
export function policiesIn({ Resources }: Template): Policies {
    return Object.fromEntries(
        Object.entries(Resources).flatMap(([name, { Properties }]) => [
            ...(Properties.PolicyDocument === undefined
                ? []
                : [[name, JSON.stringify(Properties.PolicyDocument)]]),
            ...(Properties.Policies ?? []).map((one) => [name, JSON.stringify(one.PolicyDocument)]),
        ]) as [string, string][],
    );
}
