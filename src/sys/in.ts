/** <netinet/in.h> and <netinet/tcp.h> */
export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;

export const IP_PKTINFO = 8;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;

export const TCP_NODELAY = 1;
export const TCP_KEEPIDLE = 4;
export const TCP_CONGESTION = 13;

/** struct in_pktinfo { int ifindex; in_addr spec_dst; in_addr addr; } */
export const inPktinfo = { bytes: 12, ifindex: 0, specDst: 4, addr: 8 } as const;
/** struct in6_pktinfo { in6_addr addr; unsigned ifindex; } */
export const in6Pktinfo = { bytes: 20, addr: 0, ifindex: 16 } as const;
