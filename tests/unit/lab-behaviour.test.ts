import "./ownRecordLab";

import { aws } from "../../lab/amazon";
import { behaviours, isDeletedFirst } from "../../lab/cloud/behaviour";
import { cloudflare } from "../../lab/cloudflare";
import { command } from "../../lab/cloudless/command";
import { digitalocean } from "../../lab/digitalocean";
import { differences } from "../../lab/cloud/protocol/differences";
import { random } from "../../lab/cloudless/random";
import { tls } from "../../lab/cloudless/tls";

const kinds = [aws, cloudflare, command, digitalocean, random, tls].flatMap((pkg) => pkg.kinds);

function kind(type: string) {
    const found = kinds.find((one) => one.type === type);
    if (!found) {
        throw new Error(`no kind ${type}`);
    }
    return found;
}

/** Properties of which a change replaces the resource. */
function replacedBy(type: string, old: object, wanted: object): string[] {
    return differences(kind(type), { ...old }, { ...wanted })
        .filter(({ replaces }) => replaces)
        .map(({ property }) => property);
}

describe("the table of behaviours", () => {
    it("has a row for every kind, and no other", () => {
        expect(Object.keys(behaviours).sort()).toEqual(kinds.map(({ type }) => type).sort());
    });

    it.each(kinds)("names inputs that $type has, and says where it was read", ({ inputs, behaviour }) => {
        const { autoName, replaceOn, replaceWhen = {}, computed, computedAgain = [], source } = behaviour;
        const named = [
            ...(autoName === undefined ? [] : [autoName]),
            ...(replaceOn === "*" ? [] : replaceOn),
            ...Object.keys(replaceWhen),
        ];
        expect(named.filter((name) => !(name in inputs.shape))).toEqual([]);
        expect(computedAgain.filter((name) => !computed.includes(name))).toEqual([]);
        expect(source).not.toBe("");
    });
});

describe("a resource that is replaced", () => {
    const order = (type: string, wanted: object): boolean =>
        isDeletedFirst(kind(type).behaviour, "relay-1", { ...wanted });

    it("goes before its successor comes when the program has named it, as Pulumi's bridge has it", () => {
        expect(order("digitalocean:index/droplet:Droplet", { name: "relay-1" })).toBe(true);
        expect(order("digitalocean:index/droplet:Droplet", { name: "relay-1-0a1b2c3" })).toBe(false);
        expect(order("aws:ssm/parameter:Parameter", { name: "/relay/secrets" })).toBe(true);
        expect(order("aws:s3/bucket:Bucket", { bucket: "shows" })).toBe(true);
        expect(order("aws:ec2/securityGroup:SecurityGroup", { namePrefix: "relay-1-" })).toBe(false);
    });

    it("stays until its successor has come where there is no automatic name, or no SDK v2", () => {
        expect(order("digitalocean:index/reservedIpAssignment:ReservedIpAssignment", {})).toBe(false);
        expect(order("cloudflare:index/dnsRecord:DnsRecord", { name: "relay-1" })).toBe(false);
        expect(order("aws:s3/bucketObjectv2:BucketObjectv2", { key: "relay/0a1b2c3" })).toBe(false);
        expect(order("command:remote:Command", {})).toBe(false);
    });
});

describe("a change", () => {
    it("of an Auto Scaling group's first hooks makes another group", () => {
        const hooks = (heartbeatTimeout: number) => ({
            initialLifecycleHooks: [
                {
                    name: "join",
                    lifecycleTransition: "autoscaling:EC2_INSTANCE_LAUNCHING",
                    heartbeatTimeout,
                },
            ],
        });
        const type = "aws:autoscaling/group:Group";
        expect(replacedBy(type, { ...hooks(900), maxSize: 2 }, { ...hooks(600), maxSize: 3 })).toEqual([
            "initialLifecycleHooks",
        ]);
    });

    it("of a network balancer's subnets makes another one, unless there are only more of them", () => {
        const type = "aws:lb/loadBalancer:LoadBalancer";
        const [a, b, c] = ["a", "b", "c"].map((zone) => ({ subnetId: zone, allocationId: `ip-${zone}` }));
        const replaced = (old: unknown[], wanted: unknown[]): boolean =>
            replacedBy(type, { subnetMappings: old }, { subnetMappings: wanted }).length > 0;
        expect(replaced([a, b], [a, b, c])).toBe(false);
        expect(replaced([a, b, c], [a, b])).toBe(true);
        expect(replaced([a, b], [a, c])).toBe(true);
    });

    it("of a rule's address is made in place, but not one from an address to a group", () => {
        const type = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
        expect(replacedBy(type, { cidrIpv4: "192.0.2.1/32" }, { cidrIpv4: "192.0.2.2/32" })).toEqual([]);
        expect(replacedBy(type, { cidrIpv4: "192.0.2.1/32" }, { referencedSecurityGroupId: "sg-1" })).toEqual(
            ["cidrIpv4", "referencedSecurityGroupId"],
        );
    });

    it("of a DNS record's type makes another record", () => {
        const type = "cloudflare:index/dnsRecord:DnsRecord";
        expect(replacedBy(type, { type: "A" }, { type: "AAAA" })).toEqual(["type"]);
    });

    it("in place of what Cloudflare dates shows the date among the differences", () => {
        const type = "cloudflare:index/loadBalancerPool:LoadBalancerPool";
        const changed = differences(kind(type), { minimumOrigins: 1 }, { minimumOrigins: 2 });
        expect(changed.map(({ property }) => property)).toEqual(["minimumOrigins", "modifiedOn", "networks"]);
        expect(differences(kind(type), { enabled: true }, {})).toEqual([]);
    });
});
