import type { ProviderPackage } from "../cloud/kind";
import { project, projectResources, sshKey, tag } from "./account";
import { droplet } from "./droplet";
import { firewall } from "./firewall";
import { monitorAlert, uptimeAlert, uptimeCheck } from "./monitoring";
import { vpc } from "./vpc";
import { reservedIp, reservedIpAssignment } from "./reservedIp";
import { volume } from "./volume";

export const digitalocean: ProviderPackage = {
    name: "digitalocean",
    kinds: [
        droplet,
        firewall,
        monitorAlert,
        project,
        projectResources,
        reservedIp,
        reservedIpAssignment,
        sshKey,
        tag,
        uptimeAlert,
        uptimeCheck,
        volume,
        vpc,
    ],
};
