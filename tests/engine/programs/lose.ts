/* Deletes a droplet of a lab cloud behind Pulumi's back: `AERIAL_LAB=… tsx lose.ts master-a`. */
import { loseDroplet } from "../../../lab/digitalocean/droplet";

void loseDroplet(process.argv[2] ?? "");
