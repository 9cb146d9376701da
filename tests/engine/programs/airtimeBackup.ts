/* A backup with copies in a second region, protected or not as the stack says. */
import { Provider } from "@pulumi/aws/provider";
import * as pulumi from "@pulumi/pulumi";

import { defaultRetention } from "../../support/retention";
import { AirtimeBackup } from "../../../components/airtimeBackup";

const amazon = new Provider("amazon", { region: "eu-central-1", allowedAccountIds: ["123456789012"] });
const backup = new AirtimeBackup(
    "backup",
    {
        bucketPrefix: "radio-example-prod",
        region: "eu-central-1",
        copyRegion: "eu-west-1",
        ...defaultRetention,
        keyGeneration: 1,
        protect: new pulumi.Config("aerial").requireBoolean("protect"),
    },
    { provider: amazon },
);

export const writer = backup.writer;
