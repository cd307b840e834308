export { problem, PROBLEM_TYPE, type FieldError, type Problem } from './problem.ts';
