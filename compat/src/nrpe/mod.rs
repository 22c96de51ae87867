//! NRPE: packets, `nrpe.cfg`, host lists and command lines.
