#!/usr/bin/python3
"""Turns Kconfig and defconfig files into autoconf.h and .config, strictly.

kconfig.py generate BUILD DEFCONFIG...   checks, then writes BUILD/autoconf.h and BUILD/.config
kconfig.py menu BUILD DEFCONFIG...       edits BUILD/menu.config, which the next build lays over all

kconfiglib only warns of an unknown symbol or a value out of range and goes on with the default. A
limit that is silently another one is how a board runs out of memory, so here each warning stops.
"""

import os
import sys

import kconfiglib


def load(fragments):
    """Returns the configuration after all fragments, each laid over those before it."""
    os.environ.setdefault("KCONFIG_WARN_UNDEF", "y")
    config = kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)
    config.warn_assign_undef = True
    config.warn_assign_override = False
    config.warn_assign_redun = False
    for fragment in fragments:
        config.load_config(fragment, replace=False)
    return config


def problems(config):
    """Returns a sentence for each thing that is not as it was asked for."""
    for symbol in config.unique_defined_syms:
        symbol.str_value  # Ranges are only judged when a value is computed.
    found = list(config.warnings)
    for symbol in config.unique_defined_syms:
        asked = symbol.user_value
        if asked is None or not symbol.nodes:
            continue
        asked = kconfiglib.TRI_TO_STR.get(asked, asked)
        if symbol.str_value != asked and not any(symbol.name in line for line in found):
            found.append(f"{symbol.name}: {asked} was asked for but {symbol.str_value} holds; "
                         "set what it depends on too")
    return found


def main(verb, build, *fragments):
    try:
        config = load(fragments)
        if verb == "menu":
            import menuconfig
            os.environ["KCONFIG_CONFIG"] = os.path.join(build, "menu.config")
            menuconfig.menuconfig(config)
            return 0
        found = problems(config)
    except (kconfiglib.KconfigError, OSError) as error:
        found = [str(error)]
    for line in found:
        print(f"kconfig: {line}", file=sys.stderr)
    if found:
        return 1
    config.write_autoconf(os.path.join(build, "autoconf.h"))
    config.write_config(os.path.join(build, ".config"), save_old=False)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("generate", "menu"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
