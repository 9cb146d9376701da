/* A small program with every provider of the lab, for tests of the engine driver. */
import * as command from "@pulumi/command";
import * as digitalocean from "@pulumi/digitalocean";
import * as random from "@pulumi/random";
import * as tls from "@pulumi/tls";

const password = new random.RandomPassword("password", { length: 32, special: false });
const key = new tls.PrivateKey("key", { algorithm: "ED25519" });
const sshKey = new digitalocean.SshKey("key", { publicKey: key.publicKeyOpenssh });
const vpc = new digitalocean.Vpc("net", { region: "ams3", ipRange: "10.10.0.0/20" });
const droplet = new digitalocean.Droplet("web", {
    image: "debian-13-x64",
    size: "s-1vcpu-1gb",
    region: "ams3",
    sshKeys: [sshKey.id],
    vpcUuid: vpc.id,
    userData: "#cloud-config\n",
});
const address = new digitalocean.ReservedIp("address", { region: "ams3" });
new digitalocean.ReservedIpAssignment("address", {
    ipAddress: address.ipAddress,
    dropletId: droplet.id.apply(Number),
});
const delivered = new command.remote.Command("deliver", {
    connection: { host: droplet.ipv4Address, privateKey: key.privateKeyOpenssh },
    create: "cat >/run/password",
    stdin: password.result,
});

export const host = droplet.ipv4Address;
export const secret = password.result;
export const said = delivered.stdout;
