"""The schedulers that are compared: each starts with so many services, all of the plugin that stamps its starts."""

import os
import shutil

from tree import Tree

INTERVAL_S = 10


class Custos:
    """This project's daemon, with everything stored."""

    name = "custos"

    def __init__(self, program):
        self.program = program

    def start(self, work, plugin, stamps, services, log):
        lines = [
            f"store: {work}/store",
            "host: bench",
            f"defaults: {{check_interval: {INTERVAL_S}s, timeout: 5s}}",
            "checks:",
        ]
        lines += [f"  c{n}: {{command: [{plugin}, {stamps}, '{n}']}}" for n in range(services)]
        with open(f"{work}/custos.yaml", "w") as config:
            config.write("\n".join(lines) + "\n")
        return Tree([self.program, "run", "--config", f"{work}/custos.yaml"], log)


class Nagios:
    """Debian's nagios4, with its settings for large installations."""

    name = "nagios4"
    program = "/usr/sbin/nagios4"

    def start(self, work, plugin, stamps, services, log):
        os.makedirs(f"{work}/results")
        settings = {
            "log_file": f"{work}/nagios.log",
            "cfg_file": f"{work}/objects.cfg",
            "object_cache_file": f"{work}/objects.cache",
            "precached_object_file": f"{work}/objects.precache",
            "status_file": f"{work}/status.dat",
            "state_retention_file": f"{work}/retention.dat",
            "lock_file": f"{work}/nagios.pid",
            "temp_file": f"{work}/nagios.tmp",
            "temp_path": work,
            "check_result_path": f"{work}/results",
            "command_file": f"{work}/nagios.cmd",
            "query_socket": f"{work}/nagios.qh",
            "nagios_user": "nagios",
            "nagios_group": "nagios",
            "check_external_commands": 0,
            "enable_notifications": 0,
            "enable_event_handlers": 0,
            "interval_length": 1,
            "max_service_check_spread": 1,
            "service_inter_check_delay_method": f"{INTERVAL_S / services:.6f}",
            "max_concurrent_checks": 0,
            "check_result_reaper_frequency": 1,
            "status_update_interval": 60,
            "retain_state_information": 0,
            "use_large_installation_tweaks": 1,
            "log_initial_states": 0,
            "enable_flap_detection": 1,
        }
        objects = [
            "define command {\n command_name stamp\n command_line %s %s $ARG1$\n}" % (plugin, stamps),
            "define timeperiod {\n timeperiod_name always\n alias always\n" + "".join(
                f" {day} 00:00-24:00\n"
                for day in "monday tuesday wednesday thursday friday saturday sunday".split()) + "}",
            "define contact {\n contact_name nobody\n host_notifications_enabled 0\n service_notifications_enabled 0\n"
            " host_notification_period always\n service_notification_period always\n"
            " host_notification_commands stamp\n service_notification_commands stamp\n}",
            "define host {\n host_name bench\n address 127.0.0.1\n max_check_attempts 3\n active_checks_enabled 0\n"
            " check_period always\n contacts nobody\n notification_period always\n}",
        ]
        objects += [
            f"define service {{\n host_name bench\n service_description c{n}\n check_command stamp!{n}\n"
            f" check_interval {INTERVAL_S}\n retry_interval {INTERVAL_S}\n max_check_attempts 3\n"
            " check_period always\n contacts nobody\n notification_period always\n}" for n in range(services)
        ]
        with open(f"{work}/objects.cfg", "w") as file:
            file.write("\n".join(objects) + "\n")
        with open(f"{work}/nagios.cfg", "w") as file:
            file.write("".join(f"{name}={value}\n" for name, value in settings.items()))
        for top, directories, files in os.walk(work):
            for name in [top] + [os.path.join(top, name) for name in directories + files]:
                shutil.chown(name, "nagios", "nagios")
        return Tree([self.program, f"{work}/nagios.cfg"], log)


class Icinga:
    """Debian's icinga2 with its checker alone."""

    name = "icinga2"
    program = "/usr/sbin/icinga2"

    def start(self, work, plugin, stamps, services, log):
        head = f"""include <itl>
const NodeName = "bench"
const ZoneName = NodeName
const MaxConcurrentChecks = 512
object CheckerComponent "checker" {{}}
object CheckCommand "stamp" {{
    command = [ "{plugin}", "{stamps}", "$n$" ]
}}
object Host "bench" {{
    check_command = "dummy"
    enable_active_checks = false
}}
template Service "bench" {{
    host_name = "bench"
    check_command = "stamp"
    check_interval = {INTERVAL_S}s
    retry_interval = {INTERVAL_S}s
}}
"""
        services = [f'object Service "c{n}" {{ import "bench"\n vars.n = "{n}" }}\n' for n in range(services)]
        with open(f"{work}/icinga2.conf", "w") as file:
            file.write(head + "".join(services))
        for name in ["data", "log", "cache", "spool", "run"]:
            os.makedirs(f"{work}/{name}")
        for top, directories, files in os.walk(work):
            for name in [top] + [os.path.join(top, name) for name in directories + files]:
                shutil.chown(name, "nagios", "nagios")
        places = {"DataDir": "data", "LogDir": "log", "CacheDir": "cache", "SpoolDir": "spool", "InitRunDir": "run"}
        defines = [f"-D{name}={work}/{place}" for name, place in places.items()]
        return Tree([self.program, "daemon", "-c", f"{work}/icinga2.conf", "-x", "warning", *defines], log)
