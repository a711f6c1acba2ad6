/** <netinet/udp.h> */

/**
 * As control data of a message: the kernel cuts it into datagrams of so many bytes, an unsigned short; the last may be
 * shorter. At the level IPPROTO_UDP (udp(7), Linux 4.18).
 */
export const UDP_SEGMENT = 103;
/** A socket that has it set takes such a message whole, with the size of its datagrams, an int, beside it (Linux 5.0). */
export const UDP_GRO = 104;
