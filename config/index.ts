import * as pulumi from "@pulumi/pulumi";

import { ConfigError } from "./errors";
import { checkNode } from "./node";
import type { Station } from "./schema";
import { parseStation } from "./station";

export { ConfigError } from "./errors";
export type { Station } from "./schema";

/** Secrets that a stack's configuration holds beside the station. */
export interface StationSecrets {
    /** Key of the receiver that metrics also go to. */
    remoteWriteKey?: pulumi.Output<string>;
    /** Password of the status page's private part. */
    teamPassword?: pulumi.Output<string>;
}

/** @throws ConfigError when one is missing that the station needs. */
export function loadSecrets({ monitoring }: Pick<Station, "monitoring">): StationSecrets {
    const remoteWriteKey = new pulumi.Config("aerial").getSecret("remoteWriteKey");
    if (monitoring !== "none" && monitoring.remoteWriteUrl !== undefined && remoteWriteKey === undefined) {
        throw new ConfigError([
            {
                key: "aerial:remoteWriteKey",
                value: "nothing",
                remedy:
                    "give the key of the receiver at monitoring.remoteWriteUrl: " +
                    "pulumi config set --secret aerial:remoteWriteKey",
            },
        ]);
    }
    return {
        ...(remoteWriteKey !== undefined && { remoteWriteKey }),
        ...loadTeamPassword(monitoring),
    };
}

/** @throws ConfigError when the secret is missing that the status page names. */
function loadTeamPassword(monitoring: Station["monitoring"]): Pick<StationSecrets, "teamPassword"> {
    if (monitoring === "none" || monitoring.statusPage === "none") {
        return {};
    }
    const { private: parts, teamSecret } = monitoring.statusPage;
    if (parts.length === 0 || teamSecret === undefined) {
        return {};
    }
    const teamPassword = new pulumi.Config("aerial").getSecret(teamSecret);
    if (teamPassword === undefined) {
        throw new ConfigError([
            {
                key: `aerial:${teamSecret}`,
                value: "nothing",
                remedy:
                    "give the password of the status page, which monitoring.statusPage.teamSecret names: " +
                    `pulumi config set --secret aerial:${teamSecret}`,
            },
        ]);
    }
    return { teamPassword };
}

/**
 * The station that the current stack describes. The only place that reads configuration.
 *
 * @throws ConfigError when anything in it is wrong, and RunError on a Node.js that is too old, before any resource exists.
 */
export function loadStation(): Station {
    checkNode();
    return parseStation(new pulumi.Config("aerial").getObject<unknown>("station"));
}
