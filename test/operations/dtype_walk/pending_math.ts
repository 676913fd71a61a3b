export const pendingMath: string[] = [];
