/* The smallest program there is: what a start costs by itself. */
#include <stdio.h>

int main(void)
{
    puts("hello");
    return 0;
}
