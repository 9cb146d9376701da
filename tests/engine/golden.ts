import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { DeployedResource, Deployment } from "../../lab/engine/run";
import { behaviourOf, isDeletedFirst } from "../../lab/cloud/behaviour";
import { nameOf } from "./support";

const signature = "4dabf18193072939515e22adb298388d";

/** A resource as the golden dump shows it: what a reviewer of production wants to see change, and nothing random. */
interface GoldenResource {
    type: string;
    name: string;
    parent: string | undefined;
    inputs: unknown;
    dependencies: number;
    /** What a replacement does; absent for components. */
    replacement?: "create first" | "delete first";
    /** Whether Pulumi refuses to delete it; absent where it does not. */
    protect?: true;
}

/** Texts that differ in every run, by what they look like. */
const random: readonly [RegExp, string][] = [
    // A key in clear does not look like a certificate: a rule looks for it (tests/unit/policy).
    [/^-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*$/, "[private key]"],
    [/^-----BEGIN [A-Z ]+-----[\s\S]*$/, "[PEM]"],
    [/^(ssh-ed25519|ecdsa-sha2-\S+|ssh-rsa) [A-Za-z0-9+/=]{40,}/, "[public key]"],
    [/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/, "[fingerprint]"],
    // Of files that hold addresses.
    [/^[0-9a-f]{64}$/, "[sha256]"],
    // Packed files and user data hold addresses; what is in them is in the diff of the templates.
    [/^[A-Za-z0-9+/]{500,}={0,2}$/, "[packed]"],
];

/** Parts of texts that differ in every run. */
const randomParts: readonly [RegExp, string][] = [
    [/^(relay\/)[0-9a-f]{12}\/[0-9a-f]{64}$/, "$1[random]/[sha256]"],
    [/^(arn:aws:autoscaling:.*:autoScalingGroup:)[0-9a-f-]{36}(?=:)/, "$1[random]"],
    // Names that the engine completes by itself.
    [/((?:^|autoScalingGroupName\/)(?:[a-z0-9]+-)+)[0-9a-f]{6,7}$/, "$1[random]"],
];

/** Ids that say nothing; others, such as names of buckets, say what a reviewer wants to know. */
const meaningless = /^(\d+|[0-9a-f-]{32,36}|[a-z]+-[0-9a-f]{8,17}|arn:aws:.*[/-][0-9a-f]{8,}(\/.*)?)$/;

function stable(value: unknown, ids: ReadonlyMap<string, string>): unknown {
    if (typeof value === "string" || typeof value === "number") {
        // An address may stand as a range of one.
        const [, address = String(value), range = ""] = /^([\d.]+)(\/32)$/.exec(String(value)) ?? [];
        const owner = ids.get(address);
        const [, replacement] = random.find(([pattern]) => pattern.test(String(value))) ?? [];
        if (owner !== undefined || replacement !== undefined || typeof value === "number") {
            return owner !== undefined ? `[${owner}]${range}` : (replacement ?? value);
        }
        return randomParts.reduce((text, [pattern, part]) => text.replace(pattern, part), value);
    }
    if (Array.isArray(value)) {
        return value.map((item) => stable(item, ids));
    }
    if (typeof value === "object" && value !== null) {
        return signature in value
            ? "[secret]"
            : Object.fromEntries(
                  Object.entries(value)
                      .sort(([a], [b]) => a.localeCompare(b))
                      .map(([key, inner]) => [key, stable(inner, ids)]),
              );
    }
    return value;
}

/**
 * Ids and addresses of machines, networks and pools, which other resources name; ids as short as `none` mean nothing.
 * Which machine gets which address depends on who asks first.
 */
function idsOf(resources: readonly DeployedResource[]): Map<string, string> {
    return new Map(
        resources
            .filter(({ custom, type }) => custom && /^(aws|digitalocean|cloudflare):/.test(type))
            .flatMap((resource) => {
                const { id, outputs, type } = resource;
                const isId = id !== undefined && (!type.startsWith("aws:") || meaningless.test(id));
                const { ipv4Address, ipAddress, publicIp } = outputs ?? {};
                return [isId ? id : undefined, ipv4Address, ipAddress, publicIp]
                    .filter((text): text is string => typeof text === "string" && text.length > 6)
                    .map((text) => [text, nameOf(resource)] as const);
            }),
    );
}

/** The engine's plan, as `preview` saves it: how the program asked for each resource, by URN. */
interface Plan {
    resourcePlans: Record<string, { goal?: { deleteBeforeReplace?: boolean } }>;
}

/** What a replacement does first: what the program has decided, else what the resource's provider would do. */
function replacementOf({ urn, type, inputs }: DeployedResource, plan: Plan): GoldenResource["replacement"] {
    const decided = plan.resourcePlans[urn]?.goal?.deleteBeforeReplace;
    const deleteFirst = decided ?? isDeletedFirst(behaviourOf(type), nameOf({ urn }), inputs ?? {});
    return deleteFirst ? "delete first" : "create first";
}

/** All resources of a stack, in a form that is the same in every run of the same program. */
function goldenDump(deployment: Deployment, planFile: string): GoldenResource[] {
    const plan = JSON.parse(readFileSync(planFile, "utf8")) as Plan;
    const resources = (deployment.resources ?? []).filter(({ type }) => !type.startsWith("pulumi:"));
    // A tag's id is its name, which says more than whose id it is; and who holds an address is not whose it is.
    const ids = idsOf(resources.filter(({ type }) => !/:(Tag|ReservedIpAssignment)$/.test(type)));
    return resources
        .map((resource) => ({
            type: resource.type,
            name: nameOf(resource),
            parent: resource.parent === undefined ? undefined : nameOf({ urn: resource.parent }),
            inputs: stable(resource.inputs ?? {}, ids),
            dependencies: (resource.dependencies ?? []).length,
            ...(resource.custom && { replacement: replacementOf(resource, plan) }),
            ...(resource.protect && { protect: true as const }),
        }))
        .sort((a, b) => `${a.type} ${a.name}`.localeCompare(`${b.type} ${b.name}`));
}

/**
 * The committed dump and the present one. With `UPDATE_GOLDEN=1` the committed one is renewed first: its diff then shows
 * a reviewer what the change does to the stack.
 */
export function compareWithGolden(
    stack: string,
    deployment: Deployment,
    planFile: string,
): { committed: unknown; present: GoldenResource[] } {
    const file = join(__dirname, "golden", `${stack}.json`);
    const present = goldenDump(deployment, planFile);
    if (process.env.UPDATE_GOLDEN === "1") {
        writeFileSync(file, JSON.stringify(present, null, 2) + "\n");
    }
    return {
        committed: JSON.parse(readFileSync(file, "utf8")),
        present: JSON.parse(JSON.stringify(present)) as GoldenResource[],
    };
}
