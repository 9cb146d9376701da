/** What a link to an upstream sends to prove who it is. */
function authorization(r) {
    return `Basic ${Buffer.from(`relay:${r.variables.link_password}`).toString("base64")}`;
}

export default { authorization };
