// Stands in for tsx in the bundled command line. The configurations of the tests are bundled too, so nothing needs a compiler, whose
// start takes a quarter of a command's time. test/package runs the command line with tsx.
export const register = () => {};
