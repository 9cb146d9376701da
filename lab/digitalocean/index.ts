import type { ProviderPackage } from "../cloud/kind";
import { sshKey, tag } from "./account";
import { droplet } from "./droplet";
import { firewall } from "./firewall";
import { getDroplets } from "./found";
import { vpc } from "./vpc";
import { reservedIp, reservedIpAssignment } from "./reservedIp";
import { volume } from "./volume";

export const digitalocean: ProviderPackage = {
    name: "digitalocean",
    kinds: [droplet, firewall, reservedIp, reservedIpAssignment, sshKey, tag, volume, vpc],
    functions: [getDroplets],
};
