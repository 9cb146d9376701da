import { join } from "node:path";

import { z } from "zod";

import { execInMachine, findMachine, listMachines } from "../../lab/machines/machines";
import { checkout } from "../../lab/paths";
import type { StationOutputs } from "../../lab/radio/outputs";
import { stationOutputs } from "../../lab/radio/station";
import { run } from "../../lab/workstation/run";
import { waitFor } from "../../lab/workstation/wait";

type Format = StationOutputs["channels"][string]["formats"][number];

/** A Relay as its listeners reach it. */
export interface Relay {
    name: string;
    region: string;
    /** Base URL for listeners. */
    url: string;
}

const relayStatus = z.object({
    health: z.number(),
    mounts: z.record(z.string(), z.object({ upstream: z.string().nullish() })),
});

/** How long an `up` of the whole lab may take. */
const upLimitSeconds = 1200;

/** The station in the lab, with its first channel, as the bench and the soak use it. */
export class Station {
    readonly channel: string;
    readonly formats: readonly Format[];
    readonly relays: readonly Relay[];
    readonly masters: readonly string[];

    /** Brings the lab up unless it is. */
    static async open(say: (line: string) => void): Promise<Station> {
        const isUp = listMachines().length > 0;
        if (!isUp) {
            say("the lab goes up");
            await run([join(checkout, "tools/lab"), "up"], { timeoutSeconds: upLimitSeconds });
        }
        return new Station(await stationOutputs(), !isUp);
    }

    private constructor(
        readonly outputs: StationOutputs,
        private readonly isOurs: boolean,
    ) {
        const [channel = "", { formats } = { formats: [] }] = Object.entries(outputs.channels)[0] ?? [];
        this.channel = channel;
        this.formats = formats;
        const named = (role: string) =>
            Object.entries(outputs.machines).filter(([, machine]) => machine.role === role);
        this.masters = named("master").map(([name]) => name);
        this.relays = named("relay").flatMap(([name, { region, address }]) => {
            const url = outputs.listen[region]?.find((base) => new URL(base).hostname === address);
            return url === undefined ? [] : [{ name, region, url }];
        });
        if (this.relays.length === 0 || this.masters.length === 0 || formats.length === 0) {
            throw new Error("the station in the lab has no channel, no Master or no Relay to measure");
        }
    }

    /** The lab goes down again if it was down before. */
    async leave(say: (line: string) => void): Promise<void> {
        if (this.isOurs) {
            say("the lab goes down");
            await run([join(checkout, "tools/lab"), "down"], { timeoutSeconds: 300 });
        }
    }

    /** Runs a program in a machine, and returns what it said. */
    async at(machine: string, argv: readonly string[], stdin?: string): Promise<string> {
        const { stdout } = await execInMachine(findMachine(machine).id, argv, { stdin, timeoutSeconds: 60 });
        return stdout;
    }

    /** Waits until every Relay is healthy, and all of its mounts come from one of these upstreams. @throws after 2 minutes. */
    async settled(upstreams: readonly string[]): Promise<void> {
        let states: string[] = [];
        await waitFor(
            async () => {
                states = await Promise.all(this.relays.map(({ name }) => this.stateOf(name)));
                return states.every((state) => upstreams.includes(state));
            },
            {
                limitMs: 120_000,
                everyMs: 500,
                complaint: () =>
                    `not all Relays play from ${upstreams.join(" or ")}: ` +
                    this.relays.map(({ name }, index) => `${name}: ${states[index]}`).join(", "),
            },
        );
    }

    /** The upstream of a Relay's mounts, or what is wrong with it. */
    private async stateOf(relay: string): Promise<string> {
        try {
            const told = JSON.parse(await this.at(relay, ["/usr/local/lib/aerial/status"])) as unknown;
            const { health, mounts } = relayStatus.parse(told);
            const upstreams = new Set(Object.values(mounts).map(({ upstream }) => upstream ?? "none"));
            return health === 200 ? [...upstreams].join("+") : `health ${health}`;
        } catch (error) {
            return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
        }
    }
}
