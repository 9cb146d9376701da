import { z } from "zod";

import { resourceKind } from "../../cloud/kind";
import { exclusively } from "../../cloud/records";
import { accountFor } from "../settings";
import { AwsError, doing, newId } from "./api";
import { associations, gateways, routeTables, subnets, vpcs } from "./cloud";
import { oneOf, region, tags, text } from "./inputs";
import { arnOf, known, refuseIfUsed, withTags } from "./vpc";

const route = z.strictObject({
    cidrBlock: oneOf(["0.0.0.0/0"]),
    gatewayId: text,
});

function checkRoutes(given: { vpcId: string; routes: { gatewayId: string }[] }): void {
    for (const { gatewayId } of given.routes) {
        const operation = "EC2: CreateRoute";
        const gateway = known(gateways.get(gatewayId), operation, "GatewayID", "internetGateway", gatewayId);
        if (gateway.vpcId !== given.vpcId) {
            throw new AwsError(
                operation,
                "InvalidParameterValue",
                `route table and network gateway ${gatewayId} belong to different networks`,
            );
        }
    }
}

export const routeTable = resourceKind({
    type: "aws:ec2/routeTable:RouteTable",
    inputs: z.strictObject({
        region,
        vpcId: text,
        routes: z.array(route).default([]),
        tags: tags.optional(),
    }),
    fromProvider: ["region"],
    sets: ["routes"],

    create: (given, context) =>
        doing("creating EC2 Route Table", () =>
            exclusively(async () => {
                known(vpcs.get(given.vpcId), "EC2: CreateRouteTable", "VpcID", "vpc", given.vpcId);
                checkRoutes(given);
                const id = newId("rtb");
                const routes = given.routes.map((one) => ({ cidr: one.cidrBlock, gatewayId: one.gatewayId }));
                routeTables.put(id, {
                    ...{ urn: context.urn, region: given.region, id, vpcId: given.vpcId, routes },
                });
                const account = accountFor(context);
                const arn = arnOf("route-table", given.region, account, id);
                return { id, outputs: { arn, ownerId: account, ...withTags(given) } };
            }),
        ),

    read: async ({ id, outputs }) => (routeTables.get(id) ? outputs : undefined),

    update: ({ id }, given) =>
        doing(`updating EC2 Route Table (${id})`, () =>
            exclusively(async () => {
                const record = known(
                    routeTables.get(id),
                    "EC2: CreateRoute",
                    "RouteTableID",
                    "routeTable",
                    id,
                );
                checkRoutes(given);
                const routes = given.routes.map((one) => ({ cidr: one.cidrBlock, gatewayId: one.gatewayId }));
                routeTables.put(id, { ...record, routes });
                return withTags(given);
            }),
        ),

    delete: ({ id }) =>
        doing(`deleting Route Table (${id})`, async () => {
            const used = associations.all().some(({ routeTableId }) => routeTableId === id);
            refuseIfUsed("EC2: DeleteRouteTable", "routeTable", id, used);
            routeTables.remove(id);
        }),
});

export const routeTableAssociation = resourceKind({
    type: "aws:ec2/routeTableAssociation:RouteTableAssociation",
    inputs: z.strictObject({ region, routeTableId: text, subnetId: text }),
    fromProvider: ["region"],

    create: (given, { urn }) =>
        doing("creating EC2 Route Table Association", () =>
            exclusively(async () => {
                const operation = "EC2: AssociateRouteTable";
                const table = known(
                    routeTables.get(given.routeTableId),
                    operation,
                    "RouteTableID",
                    "routeTable",
                    given.routeTableId,
                );
                const net = known(
                    subnets.get(given.subnetId),
                    operation,
                    "SubnetID",
                    "subnet",
                    given.subnetId,
                );
                if (table.vpcId !== net.vpcId) {
                    throw new AwsError(
                        operation,
                        "InvalidParameterValue",
                        `Route table ${table.id} and subnet ${net.id} belong to different networks`,
                    );
                }
                if (associations.all().some(({ subnetId }) => subnetId === given.subnetId)) {
                    throw new AwsError(
                        operation,
                        "Resource.AlreadyAssociated",
                        `the specified association for route table ${table.id} conflicts with an existing association`,
                    );
                }
                const id = newId("rtbassoc");
                associations.put(id, {
                    urn,
                    region: given.region,
                    id,
                    routeTableId: table.id,
                    subnetId: net.id,
                });
                return { id, outputs: {} };
            }),
        ),

    read: async ({ id, outputs }) => (associations.get(id) ? outputs : undefined),

    update: ({ id }, given) =>
        exclusively(async () => {
            const record = associations.get(id);
            if (record) {
                associations.put(id, { ...record, routeTableId: given.routeTableId });
            }
            return {};
        }),

    delete: async ({ id }) => associations.remove(id),
});
