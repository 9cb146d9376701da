import { z } from "zod";

import { secretName } from "./secretName";

/*
 * Who is told what is wrong, and how. Addresses and passwords that are secret stand beside the station: keys that end in
 * `Secret` name them (`config/secrets.ts`).
 */

const mailAddress = z.email({ error: "use an address such as engineer@radio.example" });

const email = z
    .strictObject({
        to: z
            .array(mailAddress)
            .min(1, "give at least one address")
            .meta({ description: "Who gets the mail.", examples: [["engineer@radio.example"]] }),
        from: mailAddress.meta({ description: "Sender of the mail.", examples: ["aerial@radio.example"] }),
        server: z
            .string()
            .regex(/^[a-zA-Z0-9.-]+$/, "use the name of a mail server, such as smtp.radio.example")
            .meta({
                description: "Mail server that takes it. It must show a valid certificate.",
                examples: ["smtp.radio.example"],
            }),
        security: z
            .enum(["starttls", "tls"], { error: "use starttls or tls" })
            .default("starttls")
            .meta({
                description:
                    "How the connection is encrypted: STARTTLS (port 587), or TLS from the first byte (port 465).",
                examples: ["tls"],
            }),
        port: z
            .int({ error: "use the number of a port, such as 587" })
            .min(1, "use a port from 1 to 65535")
            .max(65535, "use a port from 1 to 65535")
            .optional()
            .meta({
                description:
                    "Port of the mail server. If you leave it out, 587 or 465. DigitalOcean blocks 25, 465 and 587 for new " +
                    "accounts: many mail services also take mail at 2525.",
                unit: "port",
                examples: [2525],
            }),
        user: z
            .string()
            .min(1, "give a user, or leave it out")
            .optional()
            .meta({
                description: "User at the mail server. If you leave it out, mail is sent without a password.",
                examples: ["aerial@radio.example"],
            }),
        passwordSecret: secretName("Password of the user.", "smtpPassword").optional(),
    })
    .refine(({ user, passwordSecret }) => (user === undefined) === (passwordSecret === undefined), {
        path: ["passwordSecret"],
        error: "give both user and passwordSecret, or neither",
    })
    .transform(({ port, ...rest }) => ({ ...rest, port: port ?? (rest.security === "tls" ? 465 : 587) }));

const token = secretName(
    "Token that is sent as a bearer's, if the receiver wants one.",
    "alertToken",
).optional();

const receiver = z
    .strictObject({
        email: email.optional().meta({ description: "By e-mail; the clip is attached." }),
        webhook: z
            .strictObject({
                urlSecret: secretName(
                    "Address that gets each message as JSON, with the clip, by POST.",
                    "alertUrl",
                ),
                tokenSecret: token,
            })
            .optional()
            .meta({ description: "To a program of yours." }),
        slack: z
            .strictObject({ urlSecret: secretName("Address of an incoming webhook.", "slackUrl") })
            .optional()
            .meta({ description: "To a channel of Slack, without the clip, which it does not take." }),
        ntfy: z
            .strictObject({
                urlSecret: secretName(
                    "Address of a topic, such as https://ntfy.sh/… with a long random name.",
                    "ntfyUrl",
                ),
                tokenSecret: token,
            })
            .optional()
            .meta({ description: "To phones by ntfy; the clip is attached." }),
    })
    .refine((given) => Object.values(given).filter((one) => one !== undefined).length === 1, {
        error: "give exactly one of email, webhook, slack and ntfy; describe another receiver in an item of its own",
    });

const receiversOf = (description: string) => z.array(receiver).meta({ description });

export const alertsSchema = z.strictObject({
    receivers: z
        .strictObject({
            engineer: receiversOf(
                "Who keeps the station running: they get every message, and the daily digest.",
            ).min(1, "give at least one receiver, or leave out monitoring.alerts"),
            studio: receiversOf(
                "The studio: it is told first what it can put right itself, such as silence. Without any, the engineer is.",
            ).default([]),
            escalation: receiversOf("Who is told of what lasts and nobody has acknowledged.").default([]),
        })
        .meta({ description: "Who is told." }),
    digestHour: z
        .int({ error: "use an hour from 0 to 23" })
        .min(0, "use an hour from 0 to 23")
        .max(23, "use an hour from 0 to 23")
        .default(9)
        .meta({
            description:
                "Hour of the station's day at which the digest is sent, unless there is nothing to tell.",
            unit: "hour",
            examples: [8],
        }),
    escalateAfterMinutes: z
        .int({ error: "use a whole number of minutes, such as 30" })
        .min(1, "use 1 to 1440 minutes")
        .max(1440, "use 1 to 1440 minutes")
        .default(30)
        .meta({
            description: "After how long escalation is told of what lasts and nobody has acknowledged.",
            unit: "minutes",
            examples: [15],
        }),
    heartbeatUrlSecret: secretName(
        "Dead man's switch: an address outside that is fetched every minute while the station is watched, so that a service " +
            "there calls you when that ends.",
        "heartbeatUrl",
    ).optional(),
    runbooksUrl: z
        .url({ protocol: /^https?$/, error: "use the address of a folder that has alerts.md" })
        .optional()
        .meta({
            description:
                "Where your people read docs/runbooks: messages lead there. If you leave it out, they name the file.",
            pattern: "^https?://",
            examples: ["https://git.radio.example/aerial/docs/runbooks"],
        }),
});

export type AlertsConfig = z.output<typeof alertsSchema>;
