/** How much longer tests may take than they would alone: more than 1 beside drills, which go before them. */
export const patience = Number(process.env.AERIAL_TEST_PATIENCE ?? 1);
