/* A property that no droplet has, as a newer SDK could pass it. */
import * as pulumi from "@pulumi/pulumi";

class Odd extends pulumi.CustomResource {
    constructor(name: string, args: pulumi.Inputs) {
        super("digitalocean:index/droplet:Droplet", name, args);
    }
}

new Odd("odd", { image: "debian-13-x64", size: "s-1vcpu-1gb", region: "ams3", teleport: true });
