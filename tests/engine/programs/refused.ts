/* Resources that the real cloud would refuse, all at once; and two that are fine. */
import * as digitalocean from "@pulumi/digitalocean";

const good = { image: "debian-13-x64", size: "s-1vcpu-1gb", region: "ams3" };

new digitalocean.Tag("fine", { name: "fine" });
new digitalocean.Droplet("fine", { ...good, name: "fine" });
new digitalocean.Droplet("nowhere", { ...good, region: "atlantis1" });
new digitalocean.Droplet("huge", { ...good, size: "s-1000vcpu" });
new digitalocean.Droplet("talkative", { ...good, userData: "x".repeat(64 * 1024 + 1) });
