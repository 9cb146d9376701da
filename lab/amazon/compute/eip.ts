import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing, newId } from "./api";
import { eips, freeElasticAddress } from "./cloud";
import { loadBalancers } from "./groups";
import { region, tags } from "./inputs";

/** A fixed address. Only balancers take one here. */
export const eip = resourceKind({
    type: "aws:ec2/eip:Eip",
    inputs: z.strictObject({
        region,
        domain: z
            .literal("vpc", { error: "expected this to be vpc: there is no EC2-Classic" })
            .default("vpc"),
        tags: tags.optional(),
    }),
    fromProvider: ["region"],

    create: (given, context) =>
        doing("creating EC2 EIP", () =>
            exclusively(async () => {
                const id = newId("eipalloc");
                const address = freeElasticAddress();
                eips.put(id, { urn: context.urn, region: given.region, id, address });
                const dashed = address.replaceAll(".", "-");
                return {
                    id,
                    outputs: {
                        allocationId: id,
                        arn: `arn:aws:ec2:${given.region}:${accountFor(context)}:elastic-ip/${id}`,
                        publicIp: address,
                        publicDns: `ec2-${dashed}.${given.region}.compute.amazonaws.com`,
                        tagsAll: given.tags ?? {},
                    },
                };
            }),
        ),

    read: async ({ id, outputs }) => (eips.get(id) ? outputs : undefined),
    update: async (_, given) => ({ tagsAll: given.tags ?? {} }),

    delete: ({ id }) =>
        doing(`deleting EC2 EIP (${id})`, async () => {
            const holder = loadBalancers
                .all()
                .find(({ mappings }) => mappings.some(({ allocationId }) => allocationId === id));
            if (holder) {
                throw new AwsError(
                    "EC2: ReleaseAddress",
                    "InvalidIPAddress.InUse",
                    `The address with allocation id ${id} cannot be released because it is in use by ${holder.name}.`,
                );
            }
            eips.remove(id);
        }),
});
