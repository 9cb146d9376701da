import * as pulumi from "@pulumi/pulumi";

let previous: Promise<Record<string, unknown>> | undefined;

/** The stack's own outputs after its last `up`; empty before the first. Asked for once: several want to know. */
export function previousOutputs(): Promise<Record<string, unknown>> {
    return (previous ??= readOutputs());
}

async function readOutputs(): Promise<Record<string, unknown>> {
    const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
    // What StackReference asks. As a resource, it would be a step of every `up`.
    const { outputs } = (await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name })) as {
        outputs: Record<string, unknown>;
    };
    return outputs;
}

/**
 * What a resource depends on: on some in any case, on others in a station that has been on air. The first `up` takes nothing
 * from anybody, and makes all machines side by side.
 */
export async function dependencies(
    always: pulumi.Resource[],
    onAir: pulumi.Resource[],
): Promise<pulumi.Resource[]> {
    const hasMachines = await previousOutputs().then(
        ({ machines }) => machines !== undefined,
        // One by one is never wrong.
        () => true,
    );
    return hasMachines ? [...always, ...onAir] : always;
}
