#include <inttypes.h>
#include <stdio.h>

#include "app/budget.h"
#include "app/cli/cli.h"

struct pool {
	const char *what, *numbers;
	uint64_t bytes;
};

#define ROW(name, what, numbers, bytes) { what, numbers, bytes },

static const struct pool boot_pools[] = { TG_BUDGET_BOOT(ROW) };
static const struct pool beside_pools[] = { TG_BUDGET_BESIDE(ROW) };

static uint64_t print_pools(const struct pool *pools, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		printf("  %10" PRIu64 "  %-40s %s\n", pools[i].bytes, pools[i].what,
		       pools[i].numbers);
		sum += pools[i].bytes;
	}
	return sum;
}

int tg_cmd_budget(struct tg_cli *cli)
{
	(void)cli;
	printf("%12s  %-40s %s\n", "bytes", "pool", "set by (Kconfig)");
	uint64_t sum = print_pools(boot_pools, sizeof(boot_pools) / sizeof(boot_pools[0]));
	sum += print_pools(beside_pools, sizeof(beside_pools) / sizeof(beside_pools[0]));
	printf("  %10" PRIu64 "  %-40s at most TG_RAM_BYTES_MAX = %" PRIu64 "\n", sum, "sum",
	       (uint64_t)CONFIG_TG_RAM_BYTES_MAX);
	return tg_cli_done(TG_EXIT_OK);
}
