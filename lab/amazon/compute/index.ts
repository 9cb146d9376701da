import type { ProviderFunction, ResourceKind } from "../../cloud/kind";
import { listener, loadBalancer, targetGroup } from "./balancer";
import { budget } from "./budget";
import { eip } from "./eip";
import { group } from "./group";
import { launchTemplate } from "./launchTemplate";
import { getParameter, parameter } from "./parameter";
import { policy } from "./policy";

import { egressRule, ingressRule, securityGroup } from "./securityGroup";

import { internetGateway, routeTable, routeTableAssociation, subnet, vpc } from "./vpc";

/** Networks, machines and groups of them, balancers, parameters, budgets. */
export const computeKinds: readonly ResourceKind[] = [
    budget,
    egressRule,
    eip,
    group,
    ingressRule,
    internetGateway,
    launchTemplate,
    listener,
    loadBalancer,
    parameter,
    policy,
    routeTable,
    routeTableAssociation,
    securityGroup,
    subnet,
    targetGroup,
    vpc,
];

export const computeFunctions: readonly ProviderFunction[] = [getParameter];
