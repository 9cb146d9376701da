import { z } from "zod";

import { freeElasticAddress } from "../addresses";
import { refuse } from "../errors";
import { region, tags } from "../inputs";
import { amazonKind } from "../kind";
import { ec2Arn, newId } from "../names";
import { eips, loadBalancers } from "../records";

/** A fixed address. Only balancers take one here. */
export const eip = amazonKind({
    type: "aws:ec2/eip:Eip",
    title: "EC2 EIP",
    inputs: z.strictObject({
        region,
        domain: z
            .literal("vpc", { error: "expected this to be vpc: there is no EC2-Classic" })
            .default("vpc"),
        tags: tags.optional(),
    }),
    records: eips,
    idOf: ({ id }) => id,

    make: ({ region }, { urn }) => ({ urn, region, id: newId("eipalloc"), address: freeElasticAddress() }),

    outputs: ({ id, region, address }, _, account) => ({
        allocationId: id,
        arn: ec2Arn("elastic-ip", region, account, id),
        publicIp: address,
        publicDns: `ec2-${address.replaceAll(".", "-")}.${region}.compute.amazonaws.com`,
    }),

    checkDelete(id) {
        const holder = loadBalancers
            .all()
            .find(({ mappings }) => mappings.some(({ allocationId }) => allocationId === id));
        if (holder) {
            const said = `The address with allocation id ${id} cannot be released because it is in use by ${holder.name}.`;
            refuse("EC2: ReleaseAddress", "InvalidIPAddress.InUse", said);
        }
    },
});
