import { z } from "zod";

import { alertsSchema } from "./alerts";
import { digitalOceanRegion, dropletSize } from "./digitalOcean";
import { orNone } from "./orNone";
import { secretName } from "./secretName";
import { statusPageSchema } from "./statusPage";

/** A number of days within bounds. */
function wholeDays(least: number, most: number, otherwise: number) {
    const bounds = `use ${least} to ${most} days`;
    return z
        .int({ error: `use a whole number of days, such as ${otherwise}` })
        .min(least, bounds)
        .max(most, bounds)
        .default(otherwise);
}

const settings = z.strictObject({
    region: digitalOceanRegion.meta({
        description:
            "Where the monitoring machine runs. Use a region without a Master, so that not both are lost at once.",
        examples: ["fra1"],
    }),
    size: dropletSize.default("s-1vcpu-1gb").meta({
        description: "Size of the monitoring machine's droplet.",
        examples: ["s-1vcpu-2gb"],
    }),
    retentionDays: wholeDays(1, 730, 90).meta({
        description:
            "For how many days metrics are kept. They take 8 GiB of the disk at most: beyond that the " +
            "oldest go.",
        unit: "days",
        examples: [30],
    }),
    logDays: wholeDays(1, 365, 30).meta({
        description:
            "For how many days the monitoring machine keeps the journals of all machines. They take 6 GiB of its disk at " +
            "most: beyond that the oldest go.",
        unit: "days",
        examples: [14],
    }),
    addressDays: wholeDays(2, 365, 7).meta({
        description:
            "For how many days listeners' addresses are kept, on Relays and on the monitoring machine. So long, what a Relay " +
            "could not send is still counted; then listener figures of a day are final.",
        unit: "days",
        examples: [14],
    }),
    countries: z
        .boolean()
        .default(false)
        .meta({
            description:
                "Whether listener figures tell countries, by IPFire's free table of networks (Debian's package libloc-database).",
            examples: [true],
        }),
    soundExchange: z
        .boolean()
        .default(false)
        .meta({
            description:
                "Whether there is a file of each day's sessions with addresses, as SoundExchange takes it. Its addresses are " +
                "truncated after addressDays, so that a station that reports by month needs at least 32 of these.",
            examples: [true],
        }),
    remoteWrite: z
        .strictObject({
            url: z.url({ protocol: /^https$/, error: "use an https address of a receiver" }).meta({
                description: "Address of the receiver.",
                pattern: "^https://",
                examples: ["https://metric-api.eu.newrelic.com/prometheus/v1/write?prometheus_server=radio"],
            }),
            keySecret: secretName(
                "Key that is sent as a bearer's: of New Relic, the licence key.",
                "remoteWriteKey",
            ),
        })
        .optional()
        .meta({
            description: "Where metrics also go: a receiver of Prometheus's remote write, such as New Relic.",
        }),
    alerts: alertsSchema.optional().meta({
        description:
            "Who is told what is wrong. If you leave it out, alerts are only kept on the monitoring machine.",
    }),
    statusPage: statusPageSchema,
});

export const monitoringSchema = orNone(settings, {
    description:
        "The monitoring machine, which reads the metrics of every machine; none for a station that nobody watches.",
    remedy: 'describe the monitoring machine, such as { region: fra1 }, or say "none"',
}).default("none");

export type MonitoringConfig = z.output<typeof monitoringSchema>;

/** How much of the monitoring machine's disk metrics may take, in MiB. */
export const metricsMiB = 8192;

/** How much of it other machines' journals may take, in MiB. */
export const journalsMiB = 6144;
