import { z } from "zod";

import { alertsSchema } from "./alerts";
import { digitalOceanRegion, dropletSize } from "./digitalOcean";
import { orNone } from "./orNone";
import { secretName } from "./secretName";
import { statusPageSchema } from "./statusPage";

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
    retentionDays: z
        .int({ error: "use a whole number of days, such as 90" })
        .min(1, "use 1 to 730 days")
        .max(730, "use 1 to 730 days")
        .default(90)
        .meta({
            description:
                "For how many days metrics are kept. They take 8 GiB of the disk at most: beyond that the " +
                "oldest go.",
            unit: "days",
            examples: [30],
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
