/*
 * Whoever runs the tests may want colours of their own reporter (Nx asks for them): what the tested programs print
 * depends on their stream alone. The variable has to go; an empty one asks Node for colours as well.
 */
delete process.env.FORCE_COLOR;
