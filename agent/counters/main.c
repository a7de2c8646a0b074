/*
 * edgelat-traffic: `edgelat traffic` as a program of its own, for edgelat-traffic.service. The
 * program edgelat has the file capability CAP_NET_RAW, so the kernel starts it only with that
 * capability, and does not pass it ambient ones (capabilities(7)).
 */
#include "cmd/cmd.h"

int main(int argc, char **argv)
{
    return start_program() ? cmd_finish(command_traffic.run(argc, argv)) : CMD_CANNOT;
}
