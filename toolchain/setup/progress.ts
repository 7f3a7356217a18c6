/** Says what a step is doing; long work calls it, so that nobody looks at a silent screen. */
export type Progress = (text: string) => void;
