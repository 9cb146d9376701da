import type { CanaryArgs } from "../../components/canary";
import type { record, Recorded } from "./mocks";
import { relayPlan } from "./relayPlan";

/** A canary of a small station, up to four of them. */
function canaryArgs(): Omit<CanaryArgs, "authority" | "credentials"> {
    const { stationName, icecast, channels, names, masters } = relayPlan();
    return {
        ...{ stationName, icecast, channels, names, masters },
        prefix: "aerial-test",
        bucketPrefix: "radio-test",
        accountId: "123456789012",
        region: "eu-central-1",
        zones: ["eu-central-1a", "eu-central-1b"],
        instanceType: "t4g.small",
        architecture: "arm64",
        diskGib: 8,
        minInstances: 1,
        maxInstances: 4,
        stallSeconds: 1,
        listenerLimit: 4400,
        targetBytesPerMinute: 660_000_000,
        drainLimitSeconds: 1800,
        closePerSecond: 5,
        warmUpSeconds: 180,
        readySeconds: 300,
        budget: { monthlyUsd: 200, emails: ["tech@radio.test"] },
        connectionsPerAddress: 20,
    };
}

/** What the component asks for, and its outputs, without an engine. */
export async function recordGroup(
    change: Partial<CanaryArgs> = {},
): Promise<{ resources: Recorded[]; addresses: string[]; groupName: string }> {
    let result: { resources: Recorded[]; addresses: string[]; groupName: string } | undefined;
    // A copy of the SDK for each run: its mocks are one per process.
    await jest.isolateModulesAsync(async () => {
        /* eslint-disable @typescript-eslint/no-require-imports */
        const mocks = require("./mocks") as { record: typeof record };
        const pulumi = require("@pulumi/pulumi") as typeof import("@pulumi/pulumi");
        const { Canary } = require("../../components/canary") as typeof import("../../components/canary");
        const { StationAuthority } =
            require("../../components/stationAuthority") as typeof import("../../components/stationAuthority");
        const { StationCredentials } =
            require("../../components/stationCredentials") as typeof import("../../components/stationCredentials");
        /* eslint-enable @typescript-eslint/no-require-imports */
        let outputs: Promise<[string[], string]> | undefined;
        const resources = await mocks.record(() => {
            const generations = { present: 2, accepted: [1, 2, 3] };
            const authority = new StationAuthority("authority", { stationName: "Radio Test", generations });
            const { channels } = canaryArgs();
            const credentials = new StationCredentials("credentials", {
                channels,
                sources: [],
                linkGenerations: generations,
            });
            try {
                const group = new Canary("canary", {
                    ...canaryArgs(),
                    authority,
                    credentials,
                    ...change,
                });
                outputs = new Promise((resolve) => {
                    pulumi
                        .all([pulumi.all(group.addresses), group.groupName])
                        .apply(([addresses, groupName]) => resolve([addresses, groupName]));
                });
            } catch (error) {
                // Thrown on once the mocks have answered what is under way.
                outputs = Promise.reject(error instanceof Error ? error : new Error(String(error)));
                outputs.catch(() => {});
            }
        });
        const [addresses, groupName] = (await outputs)!;
        result = { resources, addresses, groupName };
    });
    return result!;
}
